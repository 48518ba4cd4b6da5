"""What goes wrong after buying; for the notation see ``situations``."""

PURCHASES = """
# return
number: order
things: clothes
says: I'd like to [return|send back] {a_thing}, [it doesn't fit|the colour is off|I changed my mind].
says: How do I send back {a_thing}? I've had it [for {n} days|since {month}].
says: The {thing} [isn't for me|looks nothing like the photo]. Can I return it [without the box|without the
    receipt]?
title: the return of {a_thing}
title: sending back {a_thing}
problem: <wanted|wants> to [return|send back] {a_thing}
problem: <asked|asks> how to return {a_thing} [after {n} days|bought in {month}]
asks: Are the tags still on? => [Yes, all of them|I cut them off, sorry|One of them]
asks: Did you pay online or in the shop? => [Online|In the shop, actually|With a voucher]
cause: you're still inside the [thirty|sixty] days => the return was within the deadline
cause: the deadline passed {n} days ago => the deadline had passed {n} days before
cause: sale items normally stay sold => the item was from the sale
cause: the shop used a marketplace seller for it => a marketplace seller had sold it
does 1: I've e-mailed a free label, drop it anywhere => <e-mailed|e-mails> a free return label
does 23: I'll make an exception this time and refund {amount}
    => <made|makes> an exception and <refunded|refunds> {amount}
does 23: I can offer store credit of {amount} => <offered|offers> store credit of {amount}
does 4: I've passed it to the seller, who has until {weekday}
    => <passed|passes> the request to the seller, who <had|has> until {weekday}

# missing refund
number: order
things: goods
says: I sent back {a_thing} in {month} and [the money still hasn't come|I haven't seen a cent].
says: Where's my refund of {amount}? The {thing} [went back|was returned] {n} days ago.
says: You confirmed a refund for {a_thing}, yet [my balance says otherwise|nothing reached my bank].
title: an outstanding refund of {amount}
title: the missing refund for {a_thing}
problem: <was|is> still waiting for {amount} for {a_thing} sent back {n} days [earlier|ago]
problem: <asked|asks> where the refund for {a_thing} <was|is>
asks: Do you have the postal receipt? => [Somewhere, yes|Yes, in front of me]
asks: Did you pay by card or by transfer? => [Card|Bank transfer|Half and half, with a voucher]
cause: the return was never scanned in => the return had not been scanned
cause: it went to a card that's been closed => the money had gone to a closed card
cause: accounting needs a second signature above {small} => a second approval was missing in accounting
cause: the bank takes up to {n} days => the bank needs up to {n} days
does 13: I've released it by hand, so look on {weekday} => <released|releases> the payment by hand for {weekday}
does 2: I've changed it to a bank transfer => <switched|switches> the refund to a bank transfer
does 13: I've raised it with accounting and you get {small} on top
    => <escalated|escalates> it to accounting and <added|adds> {small}
does 4: please give it until {weekday}, then write straight to me
    => <asked|asks> the customer to wait until {weekday}

# wrong size
number: order
things: clothes
says: The {thing} is [too tight, can I swap it for a larger one|far too big, can I swap it for a smaller one|two
    sizes off, can I change it]?
says: I need another size of {a_thing}, [it's for a wedding on {weekday}|I leave on {weekday}].
says: Your size chart [is wrong|misled me], the {thing} [doesn't close|hangs off me].
title: a size exchange for {a_thing}
title: {a_thing} in the wrong size
problem: <asked|asks> for another size of {a_thing}
problem: <found|finds> that {a_thing} <did|does> not fit and <wanted|wants> to exchange it
asks: Which size would you need? => [One up|One down|Medium, I suppose]
asks: Same colour? => [Yes please|Or {colour}, if you have it|{colour} would be even better]
cause: that model is cut [unusually|in an odd way] => the model was cut unusually
cause: the last one in your size sold this morning => the size had just sold out
cause: the chart was in the wrong units => the size chart used the wrong units
cause: it was labelled wrongly at the maker => the maker had labelled it wrongly
does 134: I've set the other size aside, and it ships on {weekday}
    => <reserved|reserves> the right size and <shipped|ships> it on {weekday}
does: I can have it [waiting in your nearest shop|ready in the shop] by {weekday}
    => <had|has> it put aside in a shop for {weekday}
does 2: more come in {n} days and I've put you on the list
    => <added|adds> the customer to the waiting list for {n} days later
does: I'd rather refund {amount} so you can choose freely => <refunded|refunds> {amount} instead

# cancelling an order
number: order
things: goods
says: I [need to|want to] cancel my order for {a_thing}, [I ordered it twice by mistake|I found it cheaper|plans
    changed].
says: Please stop {a_thing} from going out. I [clicked too fast|no longer need it].
says: Can you still cancel {a_thing} I ordered on {weekday}?
title: the cancellation of an order for {a_thing}
title: cancelling {a_thing}
problem: <wanted|wants> to cancel an order for {a_thing}
problem: <asked|asks> to stop an order for {a_thing}
asks: May I ask why? => [Ordered twice|It's cheaper elsewhere|Change of plans]
asks: Would a later date help instead? => [No, I don't need it any more|Not really]
cause: it's still [waiting to be packed|in the queue] => it had not been packed yet
cause: it left the warehouse an hour ago => it had left the warehouse an hour before
cause: part of it is made to measure => part of the order was made to measure
cause: the payment isn't even booked yet => the payment was not booked yet
does 1: it's cancelled and {amount} goes back to you => <cancelled|cancels> it and <returned|returns> {amount}
does 2: please just refuse it at the door and we refund you
    => <advised|advises> refusing the parcel at the door for a refund
does 3: I could cancel everything except that piece => <cancelled|cancels> all but the custom piece
does 2: I've asked the courier to turn it around => <asked|asks> the courier to bring it back
does 4: it's cancelled before anything was taken => <cancelled|cancels> it before any money <was|is> taken

# discount code
number: order
things: goods
says: The code from your newsletter [doesn't work|is refused] for {a_thing}.
says: I was promised [ten|twenty|fifteen] per cent off {a_thing}, but [the basket shows the full price|nothing
    changes].
says: Why won't my voucher come off the {thing}? It's {amount} and I [want|expected] the discount.
title: a discount code that was refused
title: a voucher that did not apply to {a_thing}
problem: <could|can> not use a discount code for {a_thing}
problem: <complained|complains> that a voucher <was|is> refused [at the checkout|for {a_thing}]
asks: What does the message say? => [Not valid for this item|Just: code unknown|It says expired]
asks: Are you logged in? => [Yes|Oh. No, I wasn't|Of course]
cause: the code ended on {weekday} => the code had expired on {weekday}
cause: it only counts from {small} up => it needed a minimum of {small}
cause: that maker is left out of the offer => the brand was excluded
cause: it was sent before the offer was switched on => the offer had not been switched on yet
does: I've taken it off by hand, {small} less => <took|takes> {small} off by hand
does 14: here's a fresh code, good until {weekday} => <gave|gives> a new code valid until {weekday}
does 123: I can't bend that, but delivery's on us => <declined|declines> but <offered|offers> free delivery
does 4: I'll switch it on now, so please try again
    => <activated|activates> the offer, after which the code <worked|works>

# gift card
number: order
things: gifts
says a: My {thing} [shows no balance|is refused at the checkout]. It was a present!
says b: I scratched off the code on my {thing} [too hard|and now a digit is gone].
says c: The {thing} I bought for {amount} never [arrived|reached my friend] by e-mail.
title ab: {a_thing} that did not work
title: a problem with {a_thing}
problem ab: <could|can> not use {a_thing}
problem: <reported|reports> a problem with {a_thing} worth {amount}
asks: Where was it bought? => [At the till|On your site|My aunt bought it somewhere]
asks: What can you still read? => [All but the last digit|The first half]
cause a: the till never activated it => it had not been activated at the till
cause a: it was used up in {month} => it had been used up in {month}
cause c: the e-mail went to the spam folder => the e-mail had been filtered as spam
cause a: it ran out at the end of {month} => it had expired in {month}
cause b: the full code is in our records => the full code was on record
does 1: I've activated it, {amount} is there now => <activated|activates> it with {amount}
does 5: I've issued a new one => <issued|issues> a new one
does 3: I've sent it again, please look in a minute => <sent|sends> it again
does 4: I can extend it by {n} weeks, once => <extended|extends> it by {n} weeks
does 2: I'm afraid nothing is left on it => <explained|explains> that nothing <was|is> left on it

# double charge
number: order
things: payments
says: You've charged me twice for {a_thing}, {amount} each time!
says: There are two bookings of {amount} on my card for {a_thing}.
says: [I paid once|I clicked once] for {a_thing}, and my statement shows it [twice|two times].
title: a double charge of {amount}
title: {a_thing} that was charged twice
problem: <was|is> charged {amount} twice for {a_thing}
problem: <noticed|notices> two charges of {amount} for {a_thing}
asks: Which card was it? => [This one: {card}|The one ending in the usual digits|It's {card}]
asks: Are both booked, or is one still pending? => [Both booked|One says pending]
cause: the page was sent twice => the payment page had been submitted twice
cause: the second is only a reservation => the second was only a reservation
cause: the till lost its connection and tried again => the terminal had retried after losing its connection
cause: there really are two orders => there were two orders
does 13: the second {amount} goes back today => <refunded|refunds> the second {amount}
does 2: it drops off by itself by {weekday} => <explained|explains> that it <would|will> disappear by {weekday}
does 4: I've cancelled the extra order too => <cancelled|cancels> the second order and <refunded|refunds> it
does 13: the payment team checks it within {n} days
    => <passed|passes> it to the payment team for an answer within {n} days
"""
