"""What goes wrong with parcels; for the notation see ``situations``."""

PARCELS = """
# late delivery
number: order
things: goods
says: My {thing} [was supposed to|should have] come on {weekday} and [there's still no sign of it|it still isn't
    here].
says: [I've been waiting {n} days|It's been {n} days now] for {a_thing} that you promised [by|for] {weekday}. Where
    is it?
says: Could you [check|find out] what happened to my delivery? It's {a_thing}, and the tracking page hasn't moved in
    {n} days.
title: [the late delivery|the delayed delivery|a delay in the delivery] of {a_thing}
title: {a_thing} that was {n} days late
problem: <asked|asks> about {a_thing} that <was|is> [{n} days late|overdue since {weekday}]
problem: <complained|complains> that {a_thing} [<had|has> not arrived on {weekday} as promised|<was|is> overdue]
asks: [When did you place the order?|Do you remember the date you ordered?]
    => [About {n} days before it was due|Early {month}, I think]
asks: Did you get [any message from the courier|a delivery notice]?
    => [Nothing at all|Only the first e-mail, then silence]
cause: the parcel [was sorted into|went to] the wrong depot => it [had been routed|went] to the wrong depot
cause: the courier [has lost two vans to breakdowns|is short of vans] this week
    => the courier [had vehicle trouble|was short of vans]
cause: the warehouse only [packed it on {weekday}|got round to packing it on {weekday}]
    => the warehouse had packed it late, on {weekday}
cause: customs [kept the parcel for a check|held it for inspection] => customs had held the parcel
cause: heavy snow [closed the road|stopped deliveries] in your area => snow had stopped deliveries in the area
does 13: [I've moved it to express|It's now on express], so it reaches you by {weekday}
    => <upgraded|upgrades> it to express for {weekday}
does: [I'm refunding|You'll get back] the delivery fee of {small}, and it should come on {weekday}
    => <refunded|refunds> the {small} delivery fee and <gave|gives> {weekday} as the new date
does 14: I've [sent a second one|shipped another one] today, keep whichever arrives first
    => <sent|sends> [a second one|a replacement] right away
does 1235: I've asked the depot to [ring you|send it out] before noon tomorrow
    => <got|gets> the depot to [deliver|send it out] the next morning

# delivered but not received
number: order
things: goods
says: [Your app|The tracking] says my {thing} was delivered on {weekday}, but [nobody gave me anything|there's
    nothing here].
says: [Somebody marked|The driver marked] {a_thing} as delivered. I was home all day and [nothing came|nobody rang].
says: I've looked everywhere for {a_thing} that was [supposedly|apparently] left [at my door|with me] on {weekday}.
title: a missing parcel marked as delivered
title: {a_thing} shown as delivered but never received
problem: [<said|says>|<reported|reports>] that {a_thing} <was|is> marked delivered but never [arrived|turned up]
problem: <could|can> not find {a_thing} that the tracking <showed|shows> as delivered on {weekday}
asks: Have you asked [the neighbours|at the reception]? => [Yes, nobody has it|I did, both sides, no luck]
asks: Is there [a safe place|a porch or a shed] where couriers leave things?
    => [No, I live on the fourth floor|Only the porch, and it's empty]
cause: the driver's photo shows [a different front door|a door that isn't yours]
    => the proof of delivery showed [another door|a different house]
cause: it was handed in at [a parcel shop|the kiosk] two streets away
    => it had been left at a [parcel shop|kiosk] nearby
cause: the signature on file isn't yours => [somebody else had signed|the signature was not the customer's]
cause: the driver scanned the whole van at once => the driver had scanned [all parcels at once|it before delivering]
does 134: I've opened a search with the courier and [you'll hear by|they must answer by] {weekday}
    => <opened|opens> a search with the courier, due by {weekday}
does 134: I'll [send you another one|ship a new one] free of charge
    => <sent|sends> a new one [free of charge|at no cost]
does 134: [I've refunded {amount}|{amount} is on its way back] to you => <refunded|refunds> the full {amount}
does 124: the driver will [bring it over|pick it up and bring it] this evening
    => <arranged|arranges> for the driver to bring it the same evening

# wrong item
number: order
things: goods
says: I ordered {a_thing} and [you sent me|I got] {a_wrong}!
says: [There's been a mix-up|Wrong item]: the box says {thing}, but inside is {a_wrong}.
says: Instead of {a_thing} I [found|unpacked] {a_wrong} this morning. [Not what I need|What now]?
title: the wrong item in the box
title: {a_wrong} sent instead of {a_thing}
problem: <received|receives> {a_wrong} instead of {a_thing}
problem: <reported|reports> [that the shop sent|getting] {a_wrong} [in place of|rather than] {a_thing}
asks: [Is it still sealed|Have you used it]? => [I only opened the box|Still sealed, yes|No, not touched]
asks: Could you read me the label on the box? => [It says {thing}, which is the funny part|There's no label at all]
cause: two labels were swapped at the packing table => two labels had been swapped
cause: the shelf was [stocked wrongly|filled with the wrong goods] => the shelf in the warehouse was stocked wrongly
cause: [our list had|the catalogue has] the same code for both => both products shared one code
cause: your order was mixed up with another one => the order had been mixed up with another
does: the right one [leaves today|ships tonight], and a driver collects the other
    => <sent|sends> the right item and <had|has> the wrong one collected
does: please keep it, and I'll send the {thing}
    => <let|lets> the customer keep it and <shipped|ships> the correct item
does: I've mailed a label, and once it's scanned you get {amount} back
    => <issued|issues> a return label and [<promised|promises>|<agreed|agrees> to] a refund of {amount}
does: you can swap it in [any branch|the shop] until {weekday}
    => <offered|offers> a swap in the shop until {weekday}

# damaged on arrival
number: order
things: goods
says: My {thing} [arrived broken|came in pieces|is badly damaged]. The [box was crushed|corner was smashed in].
says: [Just opened|I've just unpacked] {a_thing} and there's a [huge crack|deep scratch|big dent] in it.
says: The {thing} you sent has a [crack|dent|scratch] [right across|along one side]. [I'm really disappointed|It was
    a present].
title: {a_thing} that arrived damaged
title: transport damage to {a_thing}
problem: <received|receives> {a_thing} [with a crack|with visible damage|in damaged condition]
problem: <complained|complains> that {a_thing} <was|is> damaged [on arrival|in transit]
asks: Can you [send|upload] a photo? => [Uploading it now|Done, two of them|Just sent it]
asks: Was the outside of the box damaged too? => [Yes, one corner|Completely squashed|No, it looked fine]
cause: it was packed without [enough padding|the foam corners] => it had been packed [too loosely|without padding]
cause: the photo shows a fault from the factory => it was a [production fault|factory defect]
cause: the courier already noted a fall in the van => the courier had [dropped it|noted a fall]
cause: several from that batch broke => the whole batch was affected
does: a new one [goes out|leaves us] on {weekday}, and no need to return the old one
    => <sent|sends> a replacement on {weekday} without asking for the old one
does: I can give you {small} off if you'd rather keep it
    => <offered|offers> {small} off for keeping it, which the customer <accepted|accepts>
does: I've booked a pick-up on {weekday} and refund {amount}
    => <booked|books> a collection for {weekday} and <refunded|refunds> {amount}
does: our repair shop will fix it within {n} days => <arranged|arranges> a repair within {n} days

# missing parts
number: order
things: flatpack
says: I'm [building|putting together] my {thing} and [{n} screws are|one side panel is|the whole bag of fittings is]
    missing.
says: There's a part missing from my {thing}. I counted [twice|three times].
says: [Half the instructions|Page two] and [a bag of bolts|one leg] never made it into the box of my {thing}.
title: missing parts of {a_thing}
title: {a_thing} delivered incomplete
problem: <could|can> not finish assembling {a_thing} because [parts <were|are>|a part <was|is>] missing
problem: <reported|reports> that {a_thing} [came|arrived] without all its parts
asks: Which [letter|step] in the instructions is it? => [Part F|Step {n}|It's the one after the side panels]
asks: Was the box [sealed|taped] when it came? => [Yes|Looked opened before|Taped twice, actually]
cause: it was a returned set that nobody checked => an unchecked return had been sold again
cause: the fittings ship in a second parcel => the fittings travel in a second parcel
cause: the [plant|supplier] short-packed some sets in {month} => the supplier had short-packed sets in {month}
cause: the manual shows an older model => the manual described an older model
does 13: I've put the part in the post, {n} days at most
    => <mailed|mails> the missing part, to arrive within {n} days
does 2: the second parcel is due on {weekday} => <confirmed|confirms> the second parcel for {weekday}
does 13: I'll [swap|exchange] the whole set on {weekday}
    => <arranged|arranges> an exchange of the whole set on {weekday}
does 4: I've sent you the right drawing and {small} for the trouble
    => <sent|sends> the right instructions and a {small} credit

# changing the delivery address
number: order
things: goods
says a: I've [moved|just moved], and my {thing} is going to the old place! Can you change [that|the address]?
says b: I typed the wrong [house number|street] for {a_thing}. [Is it too late|Can it be changed]?
says c: Could the {thing} go to [my office|my parents|a neighbour] instead?
title: a change of delivery address for {a_thing}
title: redirecting {a_thing}
problem: <wanted|wants> {a_thing} sent to a different address
problem b: <noticed|notices> a wrong address on an order for {a_thing}
asks: What's the new address? => {address}
asks: And the old one, so I change the right order? => [The one on my account|It's in my profile]
cause: the label hasn't been printed => the label was not printed yet
cause: it's already on the van => the parcel was already out for delivery
cause a: the old one was saved as the default => the old address was stored as the default
cause: the new one is in another delivery zone => the new address was in another zone
does 13: I've changed it, and it still comes on {weekday}
    => <updated|updates> the address and <kept|keeps> {weekday} as the date
does 2: the courier will hold it in the parcel shop for you => <had|has> the parcel held at a pick-up point
does 4: that adds {small}, which I've waived => <redirected|redirects> it and <waived|waives> the {small} surcharge
does 2: it has to come back to us first, about {n} days
    => <explained|explains> that it <had|has> to return first, which <took|takes> {n} days

# out of stock
number: order
things: goods
says a: I [paid for|ordered] {a_thing} and now you say it's [out of stock|sold out]?
says b: My pre-order of {a_thing} [was pushed back again|slipped to {month}]. [Seriously|Why]?
says c: When will {a_thing} be back? I've had it on order [for {n} days|since {month}].
title: {a_thing} that was out of stock
title b: the postponed pre-order of {a_thing}
problem bc: <asked|asks> when {a_thing} on order would be available
problem a: <was|is> unhappy that {a_thing} [already paid for|on order] <was|is> sold out
asks: Would another colour do? => [Only {colour}|{colour}, maybe|No, it has to be that one]
asks: Is there a date you need it by? => [By {weekday}|Before the end of {month}|No hurry, I only want to know]
cause: the maker delivered only half => the maker had delivered only half
cause: the shop sold more than it had => the shop had oversold
cause: the container is stuck in port => a container was stuck in port
cause: the model was redesigned at short notice => the model was being redesigned
does: you're first in line when it comes on {weekday} => <put|puts> the customer first in line for {weekday}
does: I found one in {colour} and swapped it => <switched|switches> the order to {colour}
does: I've cancelled it and sent back {amount} => <cancelled|cancels> it and <refunded|refunds> {amount}
does: I've added a {small} voucher while you wait => <added|adds> a {small} voucher for the wait
"""
