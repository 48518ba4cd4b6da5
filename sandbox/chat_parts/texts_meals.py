"""What goes wrong with food, appointments and evenings out; for the notation see ``situations``."""

MEALS = """
# allergy question
number: order
things: dishes
says a: Is there [any nut|gluten|milk|sesame|egg] in your {thing}? [My son is allergic|I carry a pen for that].
says b: The packet of {a_thing} says may contain traces. How serious is that with [peanuts|lupin|celery]?
says c: I ate {a_thing} and got [hives|a swollen lip]. What's in it?
title: allergens in {a_thing}
title: the ingredients of {a_thing}
problem: <asked|asks> about allergens in {a_thing}
problem: <wanted|wants> to know [what {a_thing} <contained|contains>|whether {a_thing} <was|is> safe with an
    allergy]
asks: What does it say under the date? => [A letter and {n}|It's smudged]
asks c: Is everybody all right? => [Yes, thank you|She's fine now|We saw a doctor]
cause: it's made on the same line as nuts => it was made on a line shared with nuts
cause: the recipe changed in {month} => the recipe had changed in {month}
cause ab: the kitchen keeps it strictly apart => the kitchen kept it strictly apart
cause bc: the wrong sleeve was put on some packets => some packets carried the wrong sleeve
does 124: please don't eat it, {small} goes back to you
    => <advised|advises> against eating it and <refunded|refunds> {small}
does: I've mailed the full list => <mailed|mails> the full list of ingredients
does c124: quality control rings you on {weekday} => <arranged|arranges> a call from quality control on {weekday}
does ab123: the plain one is safe, I've checked twice => <recommended|recommends> the plain version as safe

# food delivery
number: order
things: dishes
says a: My {thing} came [cold and late|stone cold and an hour late]. It's inedible.
says b: Half my order is missing, the {thing} [isn't in the bag|was left out].
says c: Where's the rider? My {thing} was due at {time}.
title: a food delivery with {a_thing}
title ab: {a_thing} delivered badly
problem a: <complained|complains> about {a_thing} that came cold and late
problem: <had|has> trouble with a delivery of {a_thing}
problem b: <complained|complains> that {a_thing} <was|is> missing from the bag
problem c: <asked|asks> where {a_thing} <was|is>
asks ab: Was the bag sealed? => [No|Yes, with tape]
asks: Shall we bring it again? => [Not any more|Yes please, we're hungry]
cause ac: the rider had two stops before => the rider had other stops first
cause b: the kitchen ran out and told nobody => the kitchen had run out
cause b: the bags were swapped => two bags had been swapped
cause ac: the rider had a flat tyre => the rider had a flat tyre
does: {small} goes back at once => <refunded|refunds> {small}
does: a fresh one is with you by {time} => <sent|sends> a fresh one by {time}
does: the next delivery is free => <gave|gives> free delivery next time
does: the restaurant rings you itself => <asked|asks> the restaurant to call

# meal kit
number: account
things: kits
says a: Please [pause|skip] my {thing} for {n} weeks, we're away.
says b: My {thing} came with [warm fish|mouldy herbs|no meat].
says c: I'm vegetarian now, can you change my {thing} from {weekday}?
title ac: a change to {a_thing}
title b: the quality of {a_thing}
problem ac: <wanted|wants> to change {a_thing}
problem b: <raised|raises> an issue with {a_thing}
asks: From which week? => [Next week|From the middle of {month}]
asks: How many people? => [Two|Four, two small]
cause ac: the week after next is already packed => the next box was already packed
cause b: the cooling packs were too small for the heat => the cooling packs had been too small
cause ac: the choice closes on {weekday} => the choice closed on {weekday}
cause c: the recipe list has enough without meat => enough recipes without meat were available
does a: it's paused until {month} => <paused|pauses> it until {month}
does b: {small} is credited => <credited|credits> {small}
does c: I've switched it, starting {weekday} => <switched|switches> it from {weekday}
does a1: give the next one to a neighbour, it's free => <made|makes> the next box free

# substitution
number: order
things: groceries
says a: You replaced my {thing} with [something else|a different brand], and I said no replacements.
says b: The {thing} in today's delivery [is past its date|was open|smells off].
says c: I paid for {n} of {a_thing} and got one.
title: a grocery order with {a_thing}
title: {a_thing} in a grocery delivery
problem: <was|is> unhappy with {a_thing} in a grocery delivery
problem a: <complained|complains> about {a_thing} that <was|is> replaced
problem b: <complained|complains> about {a_thing} that <was|is> spoilt
problem c: <complained|complains> about {a_thing} delivered short
asks b: What's the date on it? => [Two days ago|{weekday}|I can't read it]
asks: Do you still have it? => [In the bin|Yes, in the fridge]
cause a: the no-replacement box was reset by an update => a setting had been reset
cause b: the picker took from the back row => an old item had been picked
cause b: the cold box stood open => the cold chain had been broken
cause c: the list showed a pack of {n} as one => a pack had been listed as single pieces
does: {small} is back on your card => <refunded|refunds> {small}
does a: I've set it back, it stays now => <restored|restores> the setting
does c: the missing ones come on {weekday} => <sent|sends> the rest on {weekday}
does: you get a voucher for {small} => <gave|gives> a voucher for {small}

# doctor's appointment
number: membership
things: visits
says a: I need to move my {thing} on {weekday}, [I have to work|my child is ill].
says b: I waited {n} weeks for {a_thing}, and now you cancel it [by text|the day before]?
says c: Can I get {a_thing} sooner? [It hurts|I can't sleep].
title: an appointment for {a_thing}
title: a new date for {a_thing}
problem a: <asked|asks> to move {a_thing}
problem b: <wanted|wants> another date after {a_thing} <was|is> cancelled
problem c: <asked|asks> to bring forward {a_thing}
asks: Mornings or afternoons? => [Mornings|After {time}|Any time]
asks: Have you been here before? => [Yes, in {month}|Never]
cause b: the doctor is ill until {weekday} => the doctor was ill until {weekday}
cause ac: someone cancelled this morning => a slot had just become free
cause b: the room is being rebuilt => the room was being rebuilt
cause b: it was entered for the wrong day => it had been entered for the wrong day
cause ac: the book is full this week => the week was fully booked
does 1234: you're in on {weekday} at {time} => <moved|moves> it to {weekday} at {time}
does bc135: you're on the short-notice list => <put|puts> the customer on the short-notice list
does bc: a nurse rings you today => <arranged|arranges> a call from a nurse the same day
does 135: I found a place in another practice => <found|finds> a place in another practice

# event tickets
number: ticket
things: events
says a: The {thing} in {city} was moved to {month}, and I can't go then. Can I get my {amount} back?
says b: I bought two seats for {a_thing} and they're [not together|behind a pillar].
says c: The download for my {thing} on {weekday} [is empty|won't open].
title: tickets for {a_thing}
title: {a_thing} in {city}
problem bc: <had|has> a problem with tickets for {a_thing}
problem a: <asked|asks> for a refund of tickets for {a_thing} in {city}
problem bc: <asked|asks> for help with tickets for {a_thing}
asks: Did you buy them from us or a reseller? => [From you|A friend gave them to me]
asks: How many? => [Two|{n}|Four, two are for children]
cause a: the organiser decides on refunds => the organiser decided on refunds
cause b: the plan of the hall changed => the seating had changed
cause c: the file is made only a day before => the file was created a day before
cause ab: they were bought from a reseller => a reseller had sold them
does a: you get {amount} back => <refunded|refunds> {amount}
does b: I found two together, row {n} => <found|finds> better seats
does c: I've mailed them as a picture => <mailed|mails> the tickets in another format
does 4: please turn to the reseller, here's how => <referred|refers> the customer to the reseller
"""
