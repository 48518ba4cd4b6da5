"""What goes wrong on journeys; for the notation see ``situations``."""

JOURNEYS = """
# flight change
number: booking
things: flights
says: I need to move my {thing} to {city} from {weekday} to [a later day|the day after].
says: Can I change my {thing} to {city}? [My meeting moved|My mother is ill].
says: How much is it to fly to {city} on {weekday} instead? I have {a_thing} booked.
title: a change of {a_thing} to {city}
title: rebooking a trip to {city}
problem: <wanted|wants> to change {a_thing} to {city}
problem: <asked|asks> to move a trip to {city} [to {weekday}|to another day]
asks: Morning or evening? => [Morning|Not before {time}|I don't mind]
asks: Is anyone travelling with you? => [Only me|Two children|My wife]
cause: your fare allows changes for {small} => the fare allowed changes for {small}
cause: the cheap fare can't be changed => the fare did not allow changes
cause: {weekday} is full apart from one seat => only one seat was left
cause: the airline moved the departure to {time} anyway => the airline had moved the departure itself
does 13: you're on the one at {time} now => <rebooked|rebooks> it for {time}
does 4: it's changed for free, because they moved it first => <changed|changes> it free of charge
does 2: I could only refund the taxes, {small} => <offered|offers> a refund of {small} in taxes
does 13: I hold the seat until {weekday} => <held|holds> a seat until {weekday}

# cancelled flight
number: booking
things: flights
says a: My {thing} to {city} was cancelled and I'm [stuck at the airport|sitting at the gate]!
says b: I got a text that {a_thing} to {city} on {weekday} [is off|won't go]. What now?
says c: You cancelled my {thing}, and I had to pay {amount} for a hotel in {city}.
title: a cancelled flight to {city}
title: the cancellation of {a_thing}
problem: <was|is> affected by the cancellation of {a_thing} to {city}
problem: <asked|asks> for help after {a_thing} to {city} <was|is> cancelled
asks ab: When do you have to be there? => [By {weekday}|Tonight!|Before noon]
asks c: Do you have the hotel bill? => [Yes, {amount}|In my bag]
cause: the crew was over its hours => the crew had run out of hours
cause: a strike closed the airspace => a strike had closed the airspace
cause: the plane has a technical fault => the plane had a technical fault
cause: fog in {city} stopped landings => fog had stopped landings
does ab: you leave at {time} with a partner => <rebooked|rebooks> the customer with a partner airline at {time}
does 13: you get {amount} under passenger rights => <confirmed|confirms> {amount} in compensation
does a: a room and a taxi are paid => <arranged|arranges> a hotel room and a taxi
does 4: weather isn't paid for, but the ticket is refunded => <refunded|refunds> the ticket without compensation
does c: we pay the hotel, {amount} => <agreed|agrees> to pay the hotel bill of {amount}

# lost luggage
number: booking
things: bags
says a: My {thing} didn't come out in {city}. [All my clothes are in it|I have a wedding tomorrow].
says a: I landed on {weekday}, and the {thing} is still [missing|somewhere else].
says c: My {thing} came back with [a wheel torn off|a broken lock].
title a: a missing {thing} in {city}
title c: a problem with {a_thing} after a flight
problem: <reported|reports> a problem with {a_thing} after landing in {city}
problem a: <complained|complains> about {a_thing} that <was|is> lost on the way to {city}
problem c: <complained|complains> about {a_thing} that <was|is> damaged on the way
asks: What does it look like? => [{colour}, with a strap|Old and {colour}|Like all the others, {colour}]
asks: Did you file a report at the desk? => [The desk was closed|Yes|I was in a hurry]
cause a: it stayed behind at the change of planes => it had missed the connection
cause a: it flew on to another city => it had been sent to another city
cause a: the tag was torn off => the tag had come off
cause c: the belt in {city} jammed => the baggage belt had jammed
does a12: a driver brings it on {weekday} => <had|has> it delivered on {weekday}
does a: you may buy what you need up to {small} => <approved|approves> {small} for necessities
does c: we pay {amount} or a new one => <offered|offers> {amount} or a new one
does a3: the search runs, and I write every day => <started|starts> a search with daily updates

# hotel booking
number: booking
things: rooms
says a: I'd like to change my {thing} in {city}, [we're one more person|we arrive a day later].
says b: I booked {a_thing} in {city}, and [the pictures lied|there's building work outside].
says c: The hotel in {city} says it has no booking for my {thing}!
title: a booking of {a_thing} in {city}
title bc: trouble with a hotel in {city}
problem bc: <had|has> a problem with {a_thing} booked in {city}
problem a: <wanted|wants> to change {a_thing} in {city}
asks: For which nights? => [{weekday} and the one after|{n} nights from {weekday}]
asks: Did you book breakfast? => [Yes|No, but we'd like to]
cause c: the booking went to the sister hotel => the booking had gone to a sister hotel
cause ab: the rate can't be refunded => the rate was not refundable
cause b: the works began only in {month} => building work had started in {month}
cause c: the house is overbooked => the hotel was overbooked
does bc: you have a bigger room for the same price => <got|gets> a bigger room at the same price
does a: it's moved for {small} more => <changed|changes> the booking for {small} more
does bc134: I found another house and pay the difference
    => <found|finds> another hotel and <covered|covers> the difference
does b: they agreed to give back {amount} => <got|gets> the hotel to refund {amount}

# name on a ticket
number: booking
things: flights
says a: My name is misspelt on {a_thing} to {city}. Will they let me board?
says b: I married and my passport has [another name|my new name], but {a_thing} to {city} has the old one.
says c: First and last name are swapped on my {thing}. [I fly on {weekday}.|Is that bad?]
title: a wrong name on a ticket to {city}
title: a name correction for {a_thing}
problem: <noticed|notices> a wrong name on {a_thing} to {city}
problem: <asked|asks> for the name on {a_thing} to be corrected
asks: How is it spelt in your passport? => {full}
asks: Have you checked in already? => [No|Yes, was that wrong?]
cause a: up to three letters are free => up to three letters could be changed for free
cause c: the form swapped the two fields => the form had swapped the fields
cause: the partner airline must agree => the partner airline had to agree
cause ab: it has to match the passport exactly => it had to match the passport
does ac12: it's right now, look at your mail => <corrected|corrects> the name
does b4: send the certificate and I change it => <asked|asks> for the certificate before changing it
does 3: they answer by {weekday} => <forwarded|forwards> it to the partner with an answer due by {weekday}
does 124: I cancelled and booked it again at the old price => <reissued|reissues> the ticket at the old price

# rental car
number: booking
things: cars
says a: You still hold my deposit of {amount} for {a_thing} I [returned|brought back] in {city}.
says b: I got a bill of {small} for a scratch on {a_thing} in {city}. It was there before!
says c: I'm in {city}, and [the desk is closed|there's no {thing} for me].
title a: the deposit for {a_thing}
title bc: the rental of {a_thing} in {city}
problem ab: <had|has> a dispute over {a_thing} rented in {city}
problem b: <complained|complains> about a charge for {a_thing}
problem c: <complained|complains> about the service for {a_thing}
asks b: Do you have pictures from the start? => [Yes, all sides|Two blurry ones|No]
asks ab: Was the tank full? => [Of course|Nearly|Receipt and all]
cause a: the return wasn't closed in the system => the return had not been closed
cause b: the scratch is in the old report => the scratch was in an earlier report
cause c: the desk moved to the other terminal => the desk had moved
cause a: a toll came in afterwards => a toll had been added later
cause b: the report has no pictures => the hand-over report had no pictures
does a: {amount} is free again by {weekday} => <released|releases> {amount} by {weekday}
does b: the charge is deleted => <removed|removes> the charge
does c: a colleague meets you with the keys => <sent|sends> a colleague with the keys
does b: I've split it, you pay {small} => <agreed|agrees> that the customer <paid|pays> only {small}

# train delay
number: booking
things: trains
says a: My {thing} to {city} was {n} hours late. How do I [get money back|claim]?
says b: I missed the last {thing} to {city} because of your delay and paid {amount} for a taxi.
says c: Your form for delays [won't take my ticket|crashes]. It was {a_thing} to {city} on {weekday}.
title: a delay on the way to {city}
title: compensation for a late train
problem ac: <claimed|claims> compensation for a late train to {city}
problem b: <arrived|arrives> late in {city} and <wanted|wants> money back
asks: Which one did you take in the end? => [The one at {time}|A taxi|None, I slept at the station]
asks b: Do you have the receipt? => [Yes|I'd have to look]
cause: the signals failed => signals had failed
cause: a tree lay on the line => a tree had blocked the line
cause b: the connection was two companies => two companies were involved
cause c: the claim needs the seat number => a detail was missing in the claim
does a12: you get half the fare, {small} => <granted|grants> half the fare, {small}
does b: the taxi is paid up to {amount} => <agreed|agrees> to pay the taxi up to {amount}
does c: I've filled it in for you => <filed|files> the claim for the customer
does ab: you get a voucher of {small} => <gave|gives> a {small} voucher

# visa documents
number: booking
things: trips
says a: For {a_thing} to {city} I need [a letter|an invitation|proof of insurance] by {weekday}.
says b: Does my {thing} to {city} need a visa? I have {n} months left in my passport.
says c: The visa form for {city} asks for a number from my {thing}. Where do I find it?
title a: papers for {a_thing} to {city}
title bc: visa questions about a trip to {city}
problem a: <needed|needs> papers for {a_thing} to {city}
problem b: <asked|asks> about the entry rules for {city}
problem c: <asked|asks> where to find a number for the visa form for {city}
asks: Which passport do you hold? => [Two, actually|A green one|An old one, valid until {month}]
asks: How long will you stay? => [{n} days|Two weeks]
cause b: no visa is needed up to ninety days => no visa was needed for short stays
cause b: the passport must be valid for six months => the passport had to be valid for six months
cause a: the letter comes from the host => the letter had to come from the host
cause c: it's printed on the second page => the number stood on the second page
cause a: it's only made on request => the letter was only made on request
does 5: I've sent the letter => <sent|sends> the letter
does 2: please renew it first, we move the trip
    => <advised|advises> renewing the passport and <moved|moves> the trip
does 3: I've asked the host for you => <contacted|contacts> the host
does 12: here's the link of the consulate => <pointed|points> the customer to the consulate
does 4: I've marked it in the file I just mailed => <mailed|mails> the page with the number marked
"""
