"""What customers say whatever it is about, in the notation of ``grammar``; data.

A dash says nothing. What follows ``=>`` is the answer; in an aside, then how a summary names it.
"""

CUSTOMERS = """
hello: [Hello?|Hi!|Is anybody there?|Good evening.|Hey.]
hello: [Hi there|Hello], [is this a person or a robot|anyone there]?
start friendly: [Hi|Hello], [hope you're well|lovely to meet you|thanks for being there].
start friendly: Good [morning|evening]!
start friendly: Hi!
start neutral: Hello.
start neutral: Hi.
start neutral: Good [morning|afternoon].
start neutral: -
start curt: -
start curt: -
start curt: Listen.
start curt: Quick one.
start annoyed: [This is the third time I write|I've been on hold for ages|I'm really fed up].
start annoyed: [Finally!|Unbelievable.|I'm not happy.]
start annoyed: [I expected better of you.|What kind of service is this?]
start chatty: [Oh good, a human|Right, where do I start|So, funny story]. [My sister told me to write|I was making
    tea when I saw it].
start chatty: Hello dear, [bear with me, I type slowly|I hope this is the right place].
start worried: [I'm a bit worried|I hope you can help|I'm quite desperate].
start worried: [Please help|I don't know what to do].
introduction: My name is {full}.
introduction: This is {full}.
introduction: I'm {full}[|, by the way].
introduction: {full} here.
introduction: [My name's|The name is] {full}.
give number: [The|My] {number_name} is {number}.
give number: {number_name}: {number}.
give number: It's {number_name} {number}.
give phone: You can [reach|call] me on {phone}.
give phone: My [mobile|phone] is {phone}.
give phone: Phone: {phone}.
give email: My e-mail is {email}.
give email: It's under {email}.
give email: E-mail {email}.
give address: I live at {address}.
give address: The address is {address}.
give address: Address: {address}.
answer name: {full}[|, that's me]
answer name: [Sure, |It's |Yes, ]{full}
answer name: My name is {full}
answer number: {number}
answer number: [Sure, |It's |One second... ]{number}
answer number: {number}, I hope I can read it right
answer phone: {phone}
answer phone: [That's |It's |Best on ]{phone}
answer phone: {phone}[, after work|, any time|]
answer email: {email}
answer email: [Should be |It's |Probably ]{email}
answer email: {email}, all small letters
answer address: {address}
answer address: [Still |It's ]{address}
answer address: {address}[, second floor|, the blue door|]
confirm: [Yes|Correct|That's right|Exactly|Yep].
confirm: [Yes|Right], [that's it|all correct|go on].
confirm: Mm, [yes|right].
confirm: [Yes, but please hurry|Yes, and nothing has changed since].
more: [And before you ask|Just so you know], I [looked at the help page|tried everything on your site].
more: [I hope this doesn't take long|My lunch break ends in a moment].
more: A colleague of yours [told me something different|promised to ring back] [on {weekday}|last week].
more: [I've been a customer for {n} years|It's my first order with you], [just saying|so please be patient].
more: [Sorry, I pressed enter too soon|Oops, sent too early]. [So, that's the story|Well, you get the idea].
interruption: [Hold on|Wait], [someone's at the door|the baby's crying|my other phone rings].
    => [Of course|No problem], I'll wait.
interruption: Sorry, [the connection dropped|my train went through a tunnel]. [What did I miss|Where were we]?
    => Nothing lost, [we go on|I'm here].
interruption: [Back again|I'm back], [it was the postman|the dog got out]. => [Welcome back|Great], let's go on.
digression: Is it [raining|hot] where you are too? [Awful|Unbelievable] weather.
    => [Grey as ever|Boiling], I'm afraid! Back to your case.
digression: You have a nice way of writing, [by the way|I must say]. => That's kind of you! [Now|So], let me see.
digression: [My cat just walked over the keyboard|Ignore the jjjj, that was the cat].
    => Ha, [give it a stroke from me|greetings to the cat].
digression: We [talked about you at dinner|were your first customers in the street], you know.
    => [Really|Oh]? I hope kindly!
digression: Did you see the [match|eclipse|election news] last night?
    => Half of it, [the shift started early|then I fell asleep].
digression: [My daughter wants to work in support too|My son says nobody writes letters any more].
    => [Tell her it's fun, mostly|He may be right]!
digression: [Are you allowed a coffee break|How long is your shift]? => [Until {time}|Soon], thanks for asking.
reaction friendly: [Ah, I see|Oh, that explains it]!
reaction friendly: [These things happen|Thank you for looking]. What now?
reaction neutral: [OK|I see]. [And now|What can be done]?
reaction neutral: [Understood|Right]. What happens next?
reaction curt: And?
reaction curt: [So what now|Fix it, please].
reaction curt: [Not my problem|Fine]. Next step?
reaction annoyed: [How can that happen?|That's not my fault!]
reaction annoyed: [Great|Wonderful]. And who pays for my time?
reaction annoyed: [I don't believe it|Again]?!
reaction chatty: [Well, well|Goodness], [just like at my cousin's|that reminds me of {city}]. And then?
reaction chatty: [You don't say|Fancy that]!
reaction worried: Oh no. [Is it bad|Can it still be saved]?
reaction worried: [I was afraid of that.|What does that mean for me?]
question: How [long|quickly] will that take?
    => [By {weekday}|Usually {n} days|A day or two], [at the latest|I'd say].
question: [Will I get a message|Do I get that in writing]?
    => Yes, [by e-mail in a few minutes|to the address on file].
question: [What if it goes wrong again|And if nothing happens]?
    => [Just answer the e-mail|Then ask for me, I'm {agent}].
question: Does that [cost|mean I pay] anything? => [No|Not for you|No, that's on us].
question: [Can I do that from abroad|Does my partner have to agree]? => [That's fine|No, you alone are enough].
question: Are you sure? => [Quite sure|I've just checked it again].
aside: Could you also send me [the invoice|a copy of the invoice]? => It's in your mail. => a copy of the invoice
aside: [One more thing|Also], please take me off the newsletter.
    => Done, you're off the list.
    => being taken off the newsletter
aside: While you're here: do you open on [Sundays|public holidays]? => Only from ten to four. => the opening hours
aside: Can I pay by invoice next time? => Yes, after {n} orders. => paying by invoice
aside: And how do I change my password? => Under settings, then security. => changing a password
aside: [By the way|Also], do you deliver abroad? => To most countries, yes. => delivery abroad
aside: Do you have a student discount? => Ten per cent, with a card. => a student discount
aside: Is there an app, too? => There is, and it's free. => an app
aside: My last invoice had no tax number on it. => I've added it and sent it again. => a tax number on an invoice
aside: Can my partner use this too? => Yes, add a second user in the profile. => adding a second user
aside: I also want to leave a compliment for your [driver|shop in {city}].
    => How nice, I'll pass that on.
    => passing on a compliment
aside: Do you take back old [batteries|lamps|packaging]? => Yes, in every shop. => taking back used material
aside: How do my points work? => One per pound, valid for a year. => loyalty points
aside: Can I have the terms in large print? => I'll post them to you. => terms in large print
aside: Is it possible to switch to paperless? => Switched. => paperless letters
aside: Could you [delete my old profile|tell me what data you keep about me]?
    => I've opened a privacy request.
    => a privacy request
end pleased: [Brilliant|Wonderful|Perfect], thank you[ so much|, you've been great|]!
end pleased: [That was quick|You made my day], thanks!
told pleased: The customer <was|is> [satisfied|pleased|happy with that]
told pleased: The customer <thanked|thanks> the agent
told pleased: The matter <was|is> settled
end content: [OK|Fine|Good], thanks[. Bye|. That's all|].
end content: [That works|All right], thank you.
told content: The customer <accepted|accepts> this
told content: The customer <agreed|agrees>
told content: Nothing else <was|is> needed
end grudging: [Well, if there's no other way|I suppose that has to do].
end grudging: [Hm|Fine]. But I'll remember this.
told grudging: The customer <accepted|accepts> this [reluctantly|without enthusiasm]
told grudging: The customer <remained|remains> disappointed
end open: I'll think about it and [write again|come back to you].
end open: I want to [talk to my partner first|sleep on it].
told open: The customer <wanted|wants> to think it over
told open: The customer <would|will> get back in touch
end upset: I want to speak to [a manager|your boss].
end upset: That's not good enough. [I'll complain|Put it in writing].
told upset: The customer <was|is> not satisfied and <asked|asks> for a manager
told upset: A complaint <was|is> to follow
"""
