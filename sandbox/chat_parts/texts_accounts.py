"""What goes wrong with accounts and apps; for the notation see ``situations``."""

ACCOUNTS = """
# password reset
number: account
things: logins
says a: I can't get into my {thing}. The reset e-mail [never comes|doesn't arrive].
says b: [I forgot my password|My password stopped working] for the {thing}, and the link [has expired|leads
    nowhere].
says b: Your {thing} keeps telling me [wrong password|the link was already used]. I've tried {n} times.
title: a password reset for the {thing}
title: a failed login to the {thing}
problem: <could|can> not [log in to|get into] the {thing}
problem: <did|does> not receive a working reset link for the {thing}
asks: [Which|What] e-mail do you log in with? => {email}
asks: Did you look in the spam folder? => [Yes, empty|I did|Only adverts there]
cause a: the mails bounce because your inbox is full => the mailbox was full
cause a: there's a typing error in the address we hold => the address on file had a typing error
cause b: the login was locked after too many tries => the login was locked after too many attempts
cause b: an old browser tab used up the link => the link had been used in an old tab
does 3: I've unlocked it and sent a fresh link => <unlocked|unlocks> it and <sent|sends> a new link
does 2: I've corrected the address, so ask for the mail again => <corrected|corrects> the address on file
does 134: I've set a one-time code, valid for {n} minutes => <issued|issues> a one-time code
does 4: clear the browser first, then it works => <had|has> the customer clear the browser, which <solved|solves> it

# second factor lost
number: account
things: logins
says a: I [lost|broke|sold] my phone and the {thing} wants a code from it.
says b: New phone, and the codes for the {thing} [are gone|didn't move over].
says: How do I get into my {thing} without the authenticator? [It's urgent|I have until {weekday}].
title: a lost second factor for the {thing}
title b: access to the {thing} after a change of phone
problem a: <was|is> locked out of the {thing} after losing a phone
problem: <could|can> no longer produce codes for the {thing}
problem b: <was|is> locked out of the {thing} after changing phones
asks: Do you still have the printed backup codes? => [No, never printed them|Maybe in a drawer]
asks: When did you last log in? => [On {weekday}|In {month}]
cause b: the codes stayed on the old device => the codes had stayed on the old device
cause: the new number was never confirmed => the new number had never been confirmed
cause: backup was switched off => no backup had been set up
cause b: the clock on the phone is wrong by {n} minutes => the clock of the phone was wrong
does 123: I checked your papers and switched the second step off for a day
    => <checked|checks> the identity and <suspended|suspends> the second step for a day
does 123: a code comes by post within {n} days => <sent|sends> a code by post
does 4: set the clock to automatic, there you go
    => <had|has> the clock corrected, after which the codes <worked|work>
does 123: I've booked a video check on {weekday} => <booked|books> an identity check by video for {weekday}

# account locked
number: account
things: logins
says a: Why is my {thing} [blocked|suspended]? I did nothing wrong!
says b: I get [a red banner|a message] that my {thing} is frozen since {weekday}.
says c: My {thing} was closed [overnight|without a word], and I need it for work.
title: a blocked {thing}
title: the suspension of the {thing}
problem: <asked|asks> why the {thing} <was|is> blocked
problem b: <complained|complains> about being shut out of the {thing} since {weekday}
asks: Did you log in from abroad? => [Yes, from {city}|No, from home as ever]
asks: Does anyone else use it? => [My daughter sometimes|Nobody|Only me]
cause: a login from {city} looked odd => a login from {city} had looked suspicious
cause: a payment of {small} bounced => a payment of {small} had bounced
cause: a robot filter flagged it by mistake => a filter had flagged it by mistake
cause: the papers on file ran out => the documents on file had expired
does 1: it's open again, and I've noted your trip => <reopened|reopens> it and <noted|notes> the trip
does 2: it opens as soon as the {small} is paid => <promised|promises> to reopen it after payment of {small}
does 3: I've lifted it and apologise => <lifted|lifts> the block and <apologised|apologises>
does 4: upload the new papers and it takes {n} hours
    => <asked|asks> for new documents, with a check within {n} hours
does 124: I've lifted it for a week while that is checked => <lifted|lifts> the block for a week pending a check

# subscription
number: account
things: subscriptions
says a: I want to cancel my {thing}, [I hardly use it|it got too expensive].
says b: I cancelled the {thing} in {month}, and you [still charge me|took {small} again]!
says c: How do I [pause|end] my {thing}? There's no button.
title: the cancellation of {a_thing}
title: ending {a_thing}
problem ac: <wanted|wants> to end {a_thing}
problem b: <was|is> still charged for {a_thing} [cancelled in {month}|after cancelling]
asks a: May I ask what's missing? => [Time, mostly|Nothing, it's the price|I switched to another one]
asks: Did you get a confirmation then? => [No|I think so, can't find it]
cause: it renewed on {weekday} for another term => it had renewed on {weekday}
cause: it was bought through the app store => it had been bought through an app store
cause b: the form was never sent off => the form had not been completed
cause b: there are two of them under your name => there were two subscriptions
does 134: it ends today and {small} comes back => <ended|ends> it and <refunded|refunds> {small}
does: it ends with {month}, nothing more is taken => <set|sets> it to end in {month}
does ac: I've paused it for {n} weeks instead => <paused|pauses> it for {n} weeks
does a: you keep it at half price, if you like => <offered|offers> half price, and the customer <stayed|stays>

# app problem
number: account
things: apps
says a: Your {thing} [crashes|freezes] whenever I [open it|press save], since the update on {weekday}.
says b: The {thing} lost [all my entries|half my photos|my settings].
says c: I can't [install|update] the {thing}, it stops at {n} per cent.
title: a fault in the {thing}
title a: trouble with the {thing} after an update
problem a: <reported|reports> that the {thing} <crashed|crashes> [since an update|after the update on {weekday}]
problem: <had|has> trouble with the {thing}
asks: Which phone do you use? => [An old one, to be honest|A new one, from {month}|A tablet, actually]
asks: How much memory is free? => [Almost none|Plenty|Where do I look?]
cause a: version {n} has a fault on older phones => the new version had a fault on older phones
cause ac: the storage is full => the storage was full
cause b: the entries are safe, they're only not synchronised => the data was not lost, only not synchronised
cause: a service behind it was down until {time} => a background service had been down until {time}
does 12: delete it, install it again, and it comes back => <had|has> the customer reinstall it, which <helped|helps>
does 1: a corrected version comes on {weekday} => <announced|announces> a corrected version for {weekday}
does 3: I've started the synchronising from here => <started|starts> a synchronisation remotely
does 14: I've passed your log to the developers => <passed|passes> the log to the developers

# smart home
number: account
things: smart
says a: My {thing} [dropped off the network|is offline] after I changed the router.
says b: The {thing} [switches on by itself|rings at {time} in the night]!
says c: I can't connect the {thing}, the app [finds nothing|asks for a code I don't have].
title ac: {a_thing} that would not connect
title b: odd behaviour of {a_thing}
problem ac: <could|can> not connect {a_thing}
problem b: <described|describes> {a_thing} that <behaved|behaves> strangely
asks: Which colour does it blink? => [Blue|Orange, slowly|Not at all]
asks: How far is it from the router? => [Two rooms|Right beside it|In the garden]
cause ac: it only speaks the slower radio band => it only supported the slower band
cause b: a timer from the last owner is in it => an old timer was still stored
cause ac: its certificate ran out in {month} => its certificate had expired in {month}
cause bc: it's paired with an old account => it was paired with an old account
does 234: press the pin for ten seconds and pair again => <guided|guides> the customer through a reset
does 24: I've removed the old owner from here => <removed|removes> the old pairing
does 1: split the two bands in the router, then it's found => <explained|explains> how to separate the two bands
does 13: I'm sending the newer model on {weekday} => <sent|sends> a newer model on {weekday}

# course access
number: account
things: courses
says a: I paid for {a_thing}, and the lessons [are locked|won't play].
says b: I'd like to swap my {thing} for [the evening one|a beginner one].
says c: The certificate for my {thing} has [the wrong date|a spelling mistake].
title a: access to {a_thing}
title bc: help with {a_thing}
problem a: <could|can> not use {a_thing} as expected
problem bc: <wanted|wants> help with {a_thing}
asks: Which browser is it? => [The usual one|On my phone]
asks: When does it start? => [On {weekday}|It began in {month}]
cause a: the payment is still being checked => the payment was still being checked
cause a: the access ended after {n} months => access had ended after {n} months
cause b: the group is full => the group was full
cause c: the template had a fault => the template had a fault
does 12: it's open for {n} more weeks => <extended|extends> access by {n} weeks
does 3: you start with the other group on {weekday}
    => <moved|moves> the customer to another group starting on {weekday}
does 4: a new certificate is in your mail => <issued|issues> a new certificate
does 23: the fee of {amount} comes back => <refunded|refunds> {amount}
"""
