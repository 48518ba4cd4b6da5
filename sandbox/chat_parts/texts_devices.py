"""What goes wrong with devices and at home; for the notation see ``situations``."""

DEVICES = """
# device does not start
number: order
things: devices
says a: My {thing} [won't turn on|is completely dead] since {weekday}.
says b: The {thing} shows [a black screen|nothing but black], and I only bought it in {month}.
says c: After {n} months my {thing} just [died|gave up]. Is that covered?
title: {a_thing} that no longer started
title: a dead {thing}
problem ac: <reported|reports> that {a_thing} <would|does> not turn on
problem c: <had|has> {a_thing} that [died|failed] after {n} months
problem b: <described|describes> {a_thing} that <showed|shows> only a black screen
asks: Does any light come on when it's charging? => [No|A red one, briefly]
asks: Was it dropped or wet? => [Never|A little rain, maybe|No!]
cause: the battery is fully drained and needs an hour => the battery was fully drained
cause: a known fault in the power board => a known fault in the power board was to blame
cause: the last update got stuck => the last update had got stuck
cause: there's water inside, says the sensor => the sensor showed water inside
does 13: hold both buttons for ten seconds, yes like that
    => <walked|walks> the customer through a forced restart, which <worked|works>
does 23: send it in, repair is free and takes {n} days => <arranged|arranges> a free repair within {n} days
does 2: I'll swap it on {weekday} => <arranged|arranges> a swap on {weekday}
does 4: that isn't covered, a repair costs {amount} => <quoted|quotes> {amount} for a repair outside the warranty

# warranty repair
number: order
things: appliances
says a: My {thing} [leaks|makes a terrible noise|stopped heating], and it's still under warranty.
says b: The {thing} was repaired in {month} and [it's broken again|does the same thing].
says c: I'd like a repair for {a_thing}. It [smells burnt|trips the fuse].
title: a warranty repair of {a_thing}
title: a fault in {a_thing}
problem: <requested|requests> a warranty repair of {a_thing}
problem a: <reported|reports> a fault in {a_thing} still under warranty
problem b: <reported|reports> a fault in {a_thing} that <was|is> repaired before
asks: What does the display say? => [E{n}|Nothing|It just blinks]
asks: How old is it? => [{n} months|I bought it in {month}]
cause: the pump seal is a known weak point => a weak seal was a known problem
cause: the filter is blocked, I'd say => the filter was probably blocked
cause bc: the warranty ended {n} days ago => the warranty had ended {n} days before
cause b: the earlier repair used a wrong part => the earlier repair had used the wrong part
does 124: a technician comes on {weekday} between eight and noon => <sent|sends> a technician on {weekday} morning
does 2: clean it as I described and tell me => <explained|explains> how to clean it, which <fixed|fixes> the fault
does 3: we cover it as goodwill, you only pay {small} => <covered|covers> it as goodwill for {small}
does 14: you get a new one, delivered on {weekday} => <replaced|replaces> it with a new one on {weekday}

# cleaning and home help
number: booking
things: helpers
says a: The {thing} you sent on {weekday} [came an hour late|left after half the time|never came].
says b: Your {thing} broke [a vase|my lamp]. Who pays for that?
says c: Could I have the same {thing} every time? [They're excellent|The last one was perfect].
title: a visit by {a_thing}
title: a booking of {a_thing}
problem a: <gave|gives> feedback on {a_thing} sent on {weekday}
problem: <contacted|contacts> the service about {a_thing}
asks a: How long did they stay? => [An hour|Until {time}]
asks b: What was it worth? => [About {small}|It was my grandmother's]
cause a: the bus was on strike => a bus strike had caused it
cause a: the address in the plan was old => the plan held an old address
cause b: breakage is insured => breakage was insured
cause c: regular visits need a fixed slot => regular visits needed a fixed slot
does a: the hours are taken off the bill => <took|takes> the hours off the bill
does b: you get {small} for it => <paid|pays> {small} for the damage
does c: {weekday} at {time} is yours from now on => <reserved|reserves> {weekday} at {time} for good
does a: somebody else comes on {weekday}, free => <sent|sends> somebody else on {weekday} for free

# parking fine
number: ticket
things: parking
says a: I got a fine of {small} at your {thing} although I [had paid|was only unloading].
says b: The machine at the {thing} [didn't take my coins|printed nothing], and now I'm to pay {small}.
says c: Your gate at the {thing} kept me in until {time}!
title ab: a fine at the {thing}
title c: trouble at the {thing}
problem ab: <contested|contests> a fine of {small} at the {thing}
problem c: <complained|complains> about the {thing}
asks: What's the number plate? => [I'd rather not type it, it's on the fine|The {colour} one, it's on the paper]
asks: Do you have the slip? => [Here's a photo|It blew away]
cause ab: one character of the plate was typed wrong => the plate had been mistyped
cause ab: the machine was out of order from {time} => the machine had been out of order
cause a: the free time is twenty minutes => the free time had been exceeded
cause c: the camera missed the way out => a camera had missed the exit
does ab12: the fine is cancelled => <cancelled|cancels> the fine
does ab: it's halved => <halved|halves> the fine
does ab13: I can't cancel it, but you have until {month}
    => <upheld|upholds> it but <extended|extends> the deadline to {month}
does ab123: the objection is in, you hear by {weekday}
    => <lodged|lodges> an objection with an answer due by {weekday}
does c: I've complained to the operator, and you get {small}
    => <complained|complains> to the operator and <gave|gives> {small} in compensation

# library
number: membership
things: loaned
says a: I've brought back {a_thing}, and the account still shows it [as overdue|as mine].
says b: I lost {a_thing}. What do I owe?
says c: Can I keep {a_thing} {n} days longer? [I'm in hospital|It's brilliant].
title: the loan of {a_thing}
title: {a_thing} on loan
problem: <had|has> a question about {a_thing} on loan
problem a: <asked|asks> about returning {a_thing}
problem c: <asked|asks> about keeping {a_thing} longer
asks a: Into which box did you put it? => [The one outside|I gave it to a lady|At the desk]
asks: When was it due? => [On {weekday}|In {month}]
cause a: the box was emptied before the scan => it had not been scanned
cause c: someone else has reserved it => somebody else had reserved it
cause a: it stood on the wrong shelf => it stood on the wrong shelf
cause b: a lost one costs {small} => a lost one cost {small}
does a: it's off your account, no fee => <cleared|clears> it from the account without a fee
does c: you have it until {weekday} => <extended|extends> it until {weekday}
does b: bring the same one second-hand, that's fine => <accepted|accepts> a second-hand copy instead
does b: it's {small}, in parts if you like => <asked|asks> for {small}, payable in parts

# gym
number: membership
things: memberships
says a: I'd like to freeze my {thing} for {n} weeks, [I broke my wrist|I'm travelling].
says b: I can't get in with my {thing}, the gate stays shut.
says c: Your {thing} costs {small} more since {month}. I want to leave.
title ac: a change to {a_thing}
title b: the entry with {a_thing}
problem ac: <asked|asks> to change {a_thing}
problem b: <had|has> an issue with {a_thing}
asks a: Do you have a doctor's note? => [I can upload it|No, is that needed?]
asks: Which branch do you use? => [The one at the station|All of them]
cause a: a freeze costs {small} a month => a freeze cost {small} a month
cause b: the last payment bounced => the last payment had bounced
cause c: the contract runs until {month} => the contract ran until {month}
cause b: the gate has new readers since {weekday} => the gate had new readers
does a: it's frozen until {month} => <froze|freezes> it until {month}
does 4: a new card waits at the desk => <had|has> a new card ready at the desk
does c: you keep the old price for a year => <kept|keeps> the old price for a year
does c: it ends in {month}, confirmed by mail => <confirmed|confirms> the end in {month}
does 2: the payment went through now, so the gate opens
    => <took|takes> the payment again, so that the gate <opened|opens>

# pharmacy
number: membership
things: medicines
says a: My refill of {a_thing} [hasn't been sent|is late], and I have {n} days left.
says b: You sent the wrong strength of my {thing}.
says c: My {thing} arrived [warm|with a broken seal]. Can I still use it?
title a: a refill of {a_thing}
title bc: a delivery of {a_thing}
problem a: <was|is> worried about {a_thing} running out
problem bc: <reported|reports> a problem with a delivery of {a_thing}
asks: When do you take the next dose? => [Tonight|On {weekday}]
asks: Who prescribed it? => [The clinic|My usual doctor]
cause a: the prescription ran out in {month} => the prescription had run out
cause a: the maker can't deliver at the moment => the maker could not deliver
cause b: the labels of two strengths look alike => two strengths had been confused
cause c: the cold pack leaked => a cold pack had leaked
does 1: the doctor has been asked, it's ready on {weekday}
    => <asked|asks> the doctor for a new prescription, ready on {weekday}
does bc: a rider brings the right one by {time} => <sent|sends> the right one by {time}
does bc: please don't use it, a pharmacist rings you
    => <advised|advises> against using it and <arranged|arranges> a call from a pharmacist
does 2: the same from another maker is on the way => <sent|sends> an equivalent from another maker
"""
