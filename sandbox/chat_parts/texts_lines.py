"""What goes wrong with lines and energy; for the notation see ``situations``."""

LINES = """
# broadband outage
number: account
things: lines
says a: My {thing} [has been dead|is down] since {weekday}. [I work from home|The whole street seems affected].
says: No {thing} again! The box [blinks red|shows no light at all].
says: We lost the {thing} [in the night|during the storm], and your hotline just plays music.
title: an outage of the {thing}
title: {a_thing} that was down
problem a: <reported|reports> an outage of the {thing} since {weekday}
problem: <had|has> no working {thing}
asks: Which lights are on? => [Only power|Red, then nothing|All of them, oddly]
asks: Have you switched it off and on? => [Three times|Yes, first thing]
cause: a digger cut the cable => a cable had been cut
cause: a card in the street cabinet burnt out => a part in the street cabinet had failed
cause: the box lost its settings in an update => an update had wiped the settings
cause: the line was unplugged for another house => the line had been disconnected by mistake
does 12: a crew is there and expects {time} => <named|names> {time} as the time of repair
does 234: a technician comes on {weekday} at {time} => <booked|books> a technician for {weekday} at {time}
does 3: I've loaded the settings again, it's up => <restored|restores> the settings remotely
does 124: I've sent data for your mobile meanwhile and credit {small}
    => <provided|provides> mobile data meanwhile and a {small} credit

# slow internet
number: account
things: lines
says a: My {thing} [crawls|is painfully slow] every evening after {time}.
says b: I pay for the fast {thing} and get [a tenth|a quarter] of it.
says c: Video calls [freeze|drop] all the time since {weekday}. It's the {thing}, not my computer.
title: a slow {thing}
title a: poor speed in the evening
problem a: <complained|complains> about a slow {thing} in the evening
problem b: <got|gets> only a fraction of the speed paid for
problem c: <complained|complains> about a slow {thing} since {weekday}
asks: By cable or wireless? => [Wireless|Both are slow|Cable, right at the box]
asks: How many devices? => [{n}, I think|Just two]
cause: a neighbour uses the same radio channel => the radio channel was crowded
cause a: the area is overloaded at night => the area was overloaded in the evening
cause: the box is {n} years old => the router was outdated
cause: the cable in the wall is damaged => the cable in the wall was damaged
does 1: I've moved you to a free channel => <moved|moves> the connection to a free channel
does 13: a newer box is on its way, free => <sent|sends> a newer router for free
does 24: someone measures the line on {weekday} => <arranged|arranges> a line test on {weekday}
does 234: until it's fixed you pay {small} less => <reduced|reduces> the price by {small} until it is fixed

# higher bill
number: account
things: lines
says a: Why is the bill for my {thing} {amount} this month? It's usually [half that|much less].
says b: There's {small} on my {thing} bill that I [don't recognise|never ordered].
says c: You raised the price of the {thing} [without telling me|again].
title ac: an unexpectedly high bill
title b: an unclear item of {small} on a bill
problem a: <questioned|questions> a bill of {amount} for the {thing}
problem b: <asked|asks> about {small} on the bill that <was|is> not expected
problem c: <complained|complains> about a higher price for the {thing}
asks: Did you use it abroad? => [Two days in {city}|No]
asks: Is there an add-on you tried? => [Maybe a film|No|My son, perhaps]
cause ac: the first-year discount ended in {month} => a discount had ended in {month}
cause ab: calls to a special number were added => calls to special numbers had been charged
cause a: two months were put on one bill => two months had been billed together
cause ab: an add-on was booked by mistake => an add-on had been booked by mistake
does 124: I've taken off {small} => <took|takes> {small} off the bill
does 1: I can renew the discount for a year => <renewed|renews> the discount for a year
does a23: you may pay it in {n} parts => <agreed|agrees> to {n} instalments
does: I've explained it line by line in a mail => <explained|explains> the bill, which <stood|stands>

# roaming
number: account
things: mobiles
says a: I'm in {city} and my {thing} [has no data|won't connect].
says b: I came back from {city} and got a bill of {amount} for my {thing}!
says c: Do I need anything to use my {thing} in {city} [next week|from {weekday}]?
title: roaming in {city}
title: the use of {a_thing} in {city}
problem a: <had|has> trouble using {a_thing} in {city}
problem bc: <asked|asks> about roaming with {a_thing} in {city}
asks: Is data roaming switched on? => [Where do I see that?|Yes|It was off, oops]
asks: How long are you there? => [{n} days|Until {weekday}]
cause: the plan leaves that country out => the country was not in the plan
cause a: the safety limit of {small} was reached => the spending limit of {small} had been reached
cause a: the partner network has a fault => the partner network had a fault
cause ac: roaming was barred on the line => roaming was barred on the line
does ac124: I've added a week's pass for {small} => <added|adds> a week's pass for {small}
does 3: choose another network by hand, that works => <had|has> the customer choose another network by hand
does 4: I've lifted the bar, restart it => <lifted|lifts> the bar
does b: as a gesture I halve the bill => <halved|halves> the bill as a gesture

# keeping the number
number: account
things: mobiles
says a: I'm changing to you and want to keep my number for the {thing}. [It's stuck|Nothing happens].
says b: My old provider [refuses to|won't] release my number for {a_thing}.
says c: The number was meant to move to my {thing} on {weekday}. [Now both are dead|It hasn't].
title: keeping a number when changing provider
title: a number transfer that was stuck
problem ab: <wanted|wants> to keep the number when moving to {a_thing}
problem: <reported|reports> that a number transfer [<was|is> stuck|<did|does> not happen on {weekday}]
asks: Which number is it? => {phone}
asks: Is the old contract in the same name? => [No, my husband's|Yes|My company's, I think]
cause: the name on both contracts differs => the names on the contracts differed
cause: the old contract runs until {month} => the old contract ran until {month}
cause: the release was never asked for => the release had not been requested
cause: a digit is wrong in the form => the form held a wrong digit
does 13: I've sent the form again, it moves on {weekday} => <resubmitted|resubmits> the request for {weekday}
does 2: it moves in {month}, until then I forward calls
    => <set|sets> the transfer for {month} with call forwarding until then
does 1: please have them sign one line, I've mailed it => <mailed|mails> a form to be signed
does 4: I've corrected it and it takes {n} hours
    => <corrected|corrects> the form, with the transfer due in {n} hours

# electricity bill
number: account
things: energy
says a: The yearly bill for my {thing} is {amount}. [I live alone|I was away for months]!
says b: I'd like to give you the reading for my {thing}, but the site [refuses it|is down].
says c: You've estimated my {thing} again, although I sent the reading in {month}.
title a: a bill for the {thing}
title bc: a meter reading for the {thing}
problem a: <disputed|disputes> a bill of {amount} for the {thing}
problem bc: <wanted|wants> a reading for the {thing} to be recorded
asks bc: What does the meter show? => [A four, a nine, then {n}|I've sent a photo]
asks a: Anything new at home? => [A heater in the bath|No|An electric car since {month}]
cause ac: the reading was estimated => the bill was based on an estimate
cause ab: two digits were swapped => two digits had been swapped
cause: the meter was replaced in {month} => the meter had been replaced in {month}
cause a: the price rose in {month} => the price had risen in {month}
does ac123: the corrected bill is {small} lower => <corrected|corrects> the bill by {small}
does bc: I've booked the reading => <recorded|records> the reading
does a123: the monthly amount falls by {small} => <lowered|lowers> the monthly payment by {small}
does 3: someone checks the meter on {weekday} => <sent|sends> someone to check the meter on {weekday}
does 4: I've mailed you the new price list => <sent|sends> the new price list

# heating repair
number: account
things: heating
says a: My {thing} [is cold|bangs all night|loses water], and it's freezing.
says b: The engineer for my {thing} was booked for {weekday} and [never came|came without the part].
says c: When is the yearly check of my {thing}? The card says {month}.
title a: a repair of the {thing}
title bc: a visit for the {thing}
problem a: <reported|reports> trouble with the {thing}
problem b: <waited|waits> for an engineer for the {thing}
problem c: <asked|asks> for the yearly check of the {thing}
asks a: What's the pressure? => [Nearly zero|Above the red line|Where do I see it?]
asks: Is there anyone old or small in the home? => [A baby|My mother|No]
cause a: the valve sticks => a valve was stuck
cause bc: the round was too full => the schedule had been too full
cause b: the part is made to order => the part had to be made
cause a: the pressure is too low => the pressure was too low
does ab124: someone comes tonight by {time} => <sent|sends> an engineer the same evening
does 23: it's {weekday} now, first in the round => <rebooked|rebooks> it as the first visit on {weekday}
does 4: fill it up as I say, there, it runs => <explained|explains> how to refill it, which <worked|works>
does ab123: two electric heaters are lent to you => <lent|lends> two electric heaters until the repair
"""
