"""What agents say whatever it is about, in the notation of ``grammar``; data.

A dash says nothing. What follows ``=>`` is the answer.
"""

AGENTS = """
agent opens: [Hello|Hi|Good morning|Good afternoon], [this is|I'm] {agent} [from|at] {company}. [How can I help|What
    can I do for you]?
agent opens: Thanks for [contacting|writing to] {company}, I'm {agent}. What's [this about|going on|the trouble]?
agent opens: Welcome to {company} [chat|support]. You're chatting with {agent}. How may I help you today?
agent opens: {company}, {agent} [here|speaking]. [Go ahead.|What happened?|Tell me!]
agent opens: Hello and welcome. My name is {agent}. [Please describe your request.|What brings you here?]
agent opens: Hi there! {agent} here. [Sorry for the wait|Thanks for waiting], [it's busy today.|how can I help?]
agent joins: [Hello|Hi], [this is|I'm] {agent} from {company}. [Sorry to hear that|Let me look into it|That doesn't
    sound right].
agent joins: {agent} here, thanks for writing to {company}. [I'll see what I can do|I'll check that at once|One
    thing at a time].
agent joins: Good [morning|afternoon], I'm {agent}. [Thank you for explaining|I understand|That's annoying, I
    agree].
ask name: [May|Could] I have your [full name|name], please?
ask name: Who am I [speaking|chatting] with?
ask name: What's your name?
ask number: [What's|Could you give me] the {number_name}?
ask number: Do you have [a|the] {number_name} [for me|at hand]?
ask phone: What's the [best number|phone number] to reach you?
ask phone: Which phone number is on the account?
ask email: Which e-mail address did you use?
ask email: What's the e-mail on file?
ask address: Could you confirm [your|the] address?
ask address: And the address, for security?
repeat number: So that's {number}, [correct|right]?
repeat number: I have {number} here, {first}. [Is that it|Correct]?
repeat phone: I'll note {phone}. [Correct|Is that right]?
repeat phone: And we call you on {phone}, {first}?
repeat email: I repeat: {email}. [Right|Did I get that]?
repeat email: So the mail goes to {email}, {title} {family}?
repeat address: That's {address}, [yes|correct]?
repeat address: {title} {family} at {address}, [is that you|right]?
repeat name: Is that {full}, spelt as I write it?
repeat name: {title} {family}, [thank you|there you are]. First name {first}?
thanks: Thank you, {first}.
thanks: Thanks, {title} {family}.
thanks: [Got it|Found you|There you are], {first}.
thanks: [Perfect|Great|Thanks].
thanks: -
thanks: -
empathy: [I'm sorry|I do apologise] for the trouble.
empathy: [Oh no|That's unpleasant|I'd be upset too].
empathy: [I understand|I see], [let's sort it out|we'll fix that together].
empathy: That shouldn't happen. [Let's have a look|I'm on it].
wait: [One moment|Bear with me|Just a second], [I'm opening your file|I have to ask a colleague].
    => [OK|Sure|Take your time|Waiting]
wait: [The system is slow today|It's still loading], [sorry|thanks for your patience].
    => [No worries|Same here|Hmm, all right]
wait: Are you still there? [I've nearly got it|Just one more screen]. => [Yes|Still here|Yes, making tea]
cause: [I can see that|It looks like|I've found it:|So,|Right,] {text}.
cause: [According to our notes|As far as I can tell|The record says] {text}.
cause: [I've checked and|I asked the team, and] {text}.
cause: [Here's the reason:|That explains it:|OK,] {text}.
does: -
does: -
does: [Okay|Right|All right]:
does: [So|Well],
does: [Here's what happens now|This is how we do it]:
farewell: [You're welcome|My pleasure|Happy to help], {first}. [Have a nice day|Take care|Goodbye]!
farewell: Thank you for your patience, {title} {family}. [Goodbye|All the best].
farewell: [Anything else, just write|We're here until {time}]. [Bye|Have a good evening]!
farewell upset: [I'll pass that on|I've noted that], {title} {family}. [Thank you|Goodbye].
farewell upset: [A manager will write to you|My team lead rings you] [by {weekday}|tomorrow]. [I'm sorry|Goodbye].
farewell: [Bye|Take care], {first}!
"""
