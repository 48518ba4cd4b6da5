"""What goes wrong at the bank; for the notation see ``situations``."""

BANKING = """
# card declined
number: account
things: banking
says a: My card was [declined|refused] in {city}, in front of everyone, though there's money on my {thing}.
says b: I can't pay online with the card of my {thing} any more.
says c: The machine [swallowed|kept] my card on {weekday}. It belongs to my {thing}.
title ab: a card that was declined
title a: a refused card payment in {city}
title c: a card kept by a machine
problem ab: <could|can> not pay by card from the {thing}
problem a: <asked|asks> why a card <was|is> refused in {city}
problem c: <reported|reports> that a machine <kept|keeps> the card of the {thing}
asks: Could you read me the card number? => [Sure, {card}|It's {card}]
asks ab: How much was it for? => [{amount}|Only {small}]
cause ab: the daily limit was reached => the daily limit had been reached
cause: the card ran out in {month} => the card had expired in {month}
cause a: {city} is blocked for your card by default => payments from {city} were blocked by default
cause ac: the chip couldn't be read => the chip was damaged
does 1: I've raised the limit until {weekday} => <raised|raises> the limit until {weekday}
does 24: a new card comes in {n} days => <ordered|orders> a new card, due in {n} days
does 3: I've opened the country for {n} days => <enabled|enables> payments there for {n} days
does ab24: use the phone to pay until the new one is there
    => <suggested|suggests> paying by phone until a new card <came|comes>

# unknown transaction
number: account
things: banking
says a: There's {amount} gone from my {thing} to a shop in {city}. That wasn't me!
says b: I don't recognise a payment of {small} on my {thing} from {weekday}.
says c: Somebody [called|wrote] pretending to be you, and now {amount} is missing from my {thing}.
title a: an unknown payment of {amount}
title bc: a suspected fraud on the {thing}
problem ac: <disputed|disputes> a payment of {amount} from the {thing}
problem: <reported|reports> [an unknown debit|a suspicious payment] on the {thing}
asks: Do you have the card with you? => [Yes, here: {card}|It's in my hand]
asks: Did you give anyone a code? => [I'm afraid I did|Never|They said it was a test]
cause ab: the shop's name on the statement is different from its sign => the shop used another name on statements
cause ab: the card details were stolen on a website => the card details had been stolen online
cause ab: a family card was used => a family member's card had been used
cause c: someone tricked you into a code => the customer had been tricked into giving a code
does ac24: the card is blocked and {amount} is credited for now
    => <blocked|blocks> the card and provisionally <credited|credits> {amount}
does 13: so the payment is genuine, and all is well => <cleared|clears> it up, as the payment <was|is> genuine
does 24: I've opened a fraud case, the form is in your mail => <opened|opens> a fraud case and <sent|sends> a form
does 24: please report it to the police as well => <advised|advises> a report to the police

# lost card
number: account
things: banking
says: I've lost the card for my {thing}, [probably in a taxi|somewhere in {city}].
says: My bag was stolen on {weekday} with the card of my {thing} in it!
says: I need to block my card right away, the {thing} one. [I left it in a shop|It's gone].
title: a lost card for the {thing}
title: the blocking of a card
problem: <lost|loses> the card for the {thing}
problem: <wanted|wants> a [lost|stolen] card blocked
asks: When did you use it last? => [On {weekday}, about {time}|This morning|For {small} at a kiosk]
asks: Was the code with it? => [No!|Sadly, on a slip of paper]
cause: nothing was paid since {weekday} => no payment had been made since {weekday}
cause: {small} was paid with it an hour ago => {small} had been paid with it an hour before
cause: the phone wallet holds the same card => the same card was stored in a phone
cause: the card was handed in at a branch => it had been handed in at a branch
does 123: it's blocked, and the new one takes {n} days
    => <blocked|blocks> it and <ordered|orders> a new one, due in {n} days
does 13: I've frozen it, you can thaw it in the app => <froze|freezes> it until it <was|is> found
does 12: emergency cash is ready in {city} => <arranged|arranges> emergency cash in {city}
does 4: pick it up with your passport by {weekday} => <told|tells> the customer to collect it by {weekday}

# transfer
number: account
things: banking
says a: I sent {amount} from my {thing} on {weekday}, and it [never arrived|isn't there].
says b: I typed the wrong account for a transfer of {amount} from my {thing}!
says c: A transfer to {city} from my {thing} is stuck on pending [for {n} days|since {weekday}].
title a: a transfer of {amount} that did not arrive
title c: a transfer to {city}
title b: a transfer to a wrong account
problem a: <was|is> looking for a transfer of {amount}
problem c: <asked|asks> about a transfer to {city} that <was|is> stuck
problem b: <asked|asks> for help with a transfer to a wrong account
asks: Was it abroad? => [To {city}|No, domestic]
asks: What's the payment for? => [Rent|A used car|Family]
cause ac: a check by the receiving bank holds it => the receiving bank was checking it
cause ac: it was a bank holiday => a bank holiday had delayed it
cause b: the account number belongs to nobody => the account did not exist
cause ab: the name and the account don't match => name and account did not match
does 12: it should land by {weekday} => <expected|expects> it to arrive by {weekday}
does b34: I've started a recall, which costs {small} => <started|starts> a recall for {small}
does 34: it came back and I've sent it again properly => <corrected|corrects> and <sent|sends> it again
does ac1: please upload the invoice, then it goes through
    => <asked|asks> for the invoice so that it <could|can> be released

# fee
number: account
things: banking
says a: What's this fee of {small} on my {thing}? [Nobody told me|It used to be free].
says b: You took {small} because my {thing} was overdrawn for [one day|two hours]!
says c: I'd like the {small} back that you charged on my {thing} in {month}.
title: a fee of {small} on the {thing}
title b: an overdraft fee
problem: <objected|objects> to a fee of {small} on the {thing}
problem: <asked|asks> for a fee of {small} to be returned
asks: Does your salary still come in here? => [Yes|No, not since {month}]
asks: How long have you been with us? => [{n} years|Too long]
cause ac: the free plan needs a monthly deposit => the free plan needed a monthly deposit
cause ac: the price list changed in {month} => the prices had changed in {month}
cause b: a standing order went off a day early => a standing order had run a day early
cause: it was booked in error => it had been charged in error
does 123: I've returned it, once => <returned|returns> the fee as an exception
does 12: I've moved you to the plan without it => <moved|moves> the customer to a plan without the fee
does 123: I can't return it but can waive the next one => <refused|refuses> but <waived|waives> the next one
does 4: it's back already, sorry => <reversed|reverses> the fee and <apologised|apologises>

# loan payment
number: account
things: loans
says a: Can I move the payment day of my {thing}? My salary comes [later now|on another day].
says b: I can't make the {month} payment for my {thing}, [I lost my job|I've been ill].
says c: I'd like to pay off {amount} of my {thing} early. What does that cost?
title: the repayment of {a_thing}
title: a change to the payments for {a_thing}
problem a: <asked|asks> to change the payments for {a_thing}
problem b: <wanted|wants> to put off a payment for {a_thing}
problem c: <wanted|wants> to pay part of {a_thing} early
asks a: Which day would suit you? => [The fifteenth|The last of the month]
asks b: Is it for one month or longer? => [Only {month}|I don't know yet]
cause a: the contract allows one change a year => the contract allowed one change a year
cause b: you're {n} days behind already => a payment was already {n} days late
cause c: early payments are free up to {amount} => early payments were free up to {amount}
cause c: the fixed rate runs until {month} => the rate was fixed until {month}
cause b: one pause is allowed => one pause was allowed
does a: the new day counts from {month} => <changed|changes> the payment day from {month}
does b: I've put one month to the end => <moved|moves> one instalment to the end
does b: a colleague for hardship rings you on {weekday}
    => <arranged|arranges> a call with a hardship advisor on {weekday}
does c: I've mailed you the figures => <mailed|mails> a calculation

# direct debit
number: account
things: contracts
says a: My bank sent back the debit for my {thing}, and now you want a fee of {small}.
says b: I've changed banks, how do you take the money for the {thing} from now on?
says c: You took the money for the {thing} [twice|too early], on {weekday}.
title a: a returned payment for the {thing}
title b: the payment details for the {thing}
title c: a payment taken wrongly for the {thing}
problem ab: <wanted|wants> to sort out the payment for the {thing}
problem a: <had|has> a payment for the {thing} returned
problem c: <had|has> a payment for the {thing} taken wrongly
asks b: What's your new account? => [I'll type it in the portal|Can I give it later?]
asks ab: On which day do you want it taken? => [The third|Any day after the tenth]
cause ab: the old account is still stored => the old account was still stored
cause a: the balance was short by {small} => the balance had been too low
cause b: the new permission wasn't signed => a signature was missing
cause c: the run was brought forward for the holiday => the collection had been brought forward
does b13: the new account counts from {month} => <stored|stores> the new account from {month}
does a: I've dropped the fee => <dropped|drops> the fee
does a: I'll try again on {weekday} => <scheduled|schedules> a new attempt for {weekday}
does 3: please sign the form I've mailed => <mailed|mails> a form to be signed
does c: I've sent one of the payments back => <returned|returns> the payment

# insurance claim
number: policy
things: claims
says a: I want to report {a_thing}. [It happened on {weekday}|I don't know where to begin].
says b: What's going on with my claim for {a_thing}? I sent everything {n} days ago.
says c: You paid only {small} for {a_thing}. The bill was {amount}!
title: an insurance claim for {a_thing}
title: a claim for {a_thing}
problem a: <reported|reports> {a_thing}
problem b: <asked|asks> about an open claim for {a_thing}
problem c: <questioned|questions> a settlement of {small} for {a_thing}
asks: Was anybody hurt? => [No, luckily|Only a bruise]
asks: Do you have pictures or a bill? => [Both|Pictures only|The bill is coming]
cause b: one estimate is missing => an estimate was missing
cause c: your own share was taken off => the customer's own share had been deducted
cause ab: an expert must see it above {amount} => an expert had to see it
cause bc: that kind of damage isn't in the policy => the damage was not covered
cause a: nothing was reported before => no report had been made before
does a: the claim is open, and you hear by {weekday} => <opened|opens> the claim with an answer due by {weekday}
does 3: the expert comes on {weekday} => <booked|books> an expert for {weekday}
does 1: photos will do, so {amount} is paid out today
    => <accepted|accepts> photos instead and <approved|approves> {amount}
does 24: I've sent it for a second look => <sent|sends> it for review
"""
