"""Tables of written English: abbreviations, months, units, currencies, symbols, acronyms.

Knows what a sign is called; when it is one is `english_rules`.
"""

from __future__ import annotations

from gsv.text.wordlist import words

MONTHS = words("January February March April May June July August September October November December")
MONTH_FORMS = {name[:3]: name for name in MONTHS} | {name: name for name in MONTHS} | {"Sept": "September"}
WEEKDAYS = {
    "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday",
    "Thur": "Thursday",
    "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip

# Abbreviations whose stop is theirs and not the sentence's.
TITLES = {
    "Mr": "Mister", "Mrs": "Missis", "Ms": "Miz", "Prof": "Professor", "Capt": "Captain", "Lt": "Lieutenant",
    "Col": "Colonel", "Sgt": "Sergeant", "Maj": "Major", "Rev": "Reverend", "Hon": "Honorable", "Gov": "Governor",
    "Sen": "Senator", "Rep": "Representative", "Pres": "President", "Fr": "Father", "Mt": "Mount", "Ft": "Fort",
    "Messrs": "Messers", "Mme": "Madame",
}  # fmt: skip
ABBREVIATIONS = {
    "e.g": "for example", "i.e": "that is", "vs": "versus", "cf": "compare", "approx": "approximately",
    "dept": "department", "est": "established", "fig": "figure", "Fig": "Figure", "vol": "volume", "Vol": "Volume",
    "Ave": "Avenue", "Blvd": "Boulevard", "Rd": "Road", "Inc": "Incorporated", "Ltd": "Limited",
    "Corp": "Corporation",
    "Co": "Company", "Jr": "Junior", "Sr": "Senior", "Bros": "Brothers", "Assoc": "Association",
    "Univ": "University",
    "etc": "et cetera", "al": "al", "min": "minutes", "max": "maximum", "no": "no", "ed": "edition", "pp": "pages",
    "ext": "extension", "Ext": "Extension", "Ste": "Suite", "Sec": "Section", "ca": "circa", "aka": "A K A",
    "misc": "miscellaneous", "govt": "government", "Pkwy": "Parkway", "Hwy": "Highway", "Apt": "Apartment",
}  # fmt: skip
BEFORE_NUMBERS = {
    "No": "number",
    "no": "number",
    "Nos": "numbers",
    "p": "page",
    "pp": "pages",
    "Ch": "chapter",
    "c": "circa",
    "ch": "chapter",
    "Eq": "equation",
    "v": "version",
}

# Unit signs after a number: singular and plural. Case matters where it tells units apart.
UNITS = {
    "km/h": ("kilometer per hour", "kilometers per hour"), "kph": ("kilometer per hour", "kilometers per hour"),
    "mph": ("mile per hour", "miles per hour"), "m/s": ("meter per second", "meters per second"),
    "km": ("kilometer", "kilometers"), "m": ("meter", "meters"), "cm": ("centimeter", "centimeters"),
    "mm": ("millimeter", "millimeters"), "nm": ("nanometer", "nanometers"), "µm": ("micrometer", "micrometers"),
    "km²": ("square kilometer", "square kilometers"), "m²": ("square meter", "square meters"),
    "cm²": ("square centimeter", "square centimeters"), "m³": ("cubic meter", "cubic meters"),
    "cm³": ("cubic centimeter", "cubic centimeters"), "km2": ("square kilometer", "square kilometers"),
    "m2": ("square meter", "square meters"), "m3": ("cubic meter", "cubic meters"),
    "ft": ("foot", "feet"), "in": ("inch", "inches"), "yd": ("yard", "yards"), "mi": ("mile", "miles"),
    "sq ft": ("square foot", "square feet"), "ft²": ("square foot", "square feet"),
    "kg": ("kilogram", "kilograms"), "g": ("gram", "grams"), "mg": ("milligram", "milligrams"),
    "µg": ("microgram", "micrograms"), "t": ("ton", "tons"), "lb": ("pound", "pounds"), "lbs": ("pound", "pounds"),
    "oz": ("ounce", "ounces"), "L": ("liter", "liters"), "l": ("liter", "liters"), "mL": ("milliliter",
    "milliliters"),
    "ml": ("milliliter", "milliliters"), "gal": ("gallon", "gallons"), "tbsp": ("tablespoon", "tablespoons"),
    "tsp": ("teaspoon", "teaspoons"), "h": ("hour", "hours"), "hr": ("hour", "hours"), "hrs": ("hour", "hours"),
    "min": ("minute", "minutes"), "mins": ("minute", "minutes"), "s": ("second", "seconds"),
    "sec": ("second", "seconds"), "secs": ("second", "seconds"), "ms": ("millisecond", "milliseconds"),
    "ns": ("nanosecond", "nanoseconds"), "Hz": ("hertz", "hertz"), "kHz": ("kilohertz", "kilohertz"),
    "MHz": ("megahertz", "megahertz"), "GHz": ("gigahertz", "gigahertz"),
    "KB": ("kilobyte", "kilobytes"), "kB": ("kilobyte", "kilobytes"), "MB": ("megabyte", "megabytes"),
    "GB": ("gigabyte", "gigabytes"), "TB": ("terabyte", "terabytes"),
    "Mbps": ("megabit per second", "megabits per second"),
    "Gbps": ("gigabit per second", "gigabits per second"), "kbps": ("kilobit per second", "kilobits per second"),
    "W": ("watt", "watts"), "kW": ("kilowatt", "kilowatts"), "MW": ("megawatt", "megawatts"),
    "kWh": ("kilowatt hour", "kilowatt hours"), "V": ("volt", "volts"), "mAh": ("milliamp hour", "milliamp hours"),
    "mA": ("milliamp", "milliamps"), "dB": ("decibel", "decibels"), "Pa": ("pascal", "pascals"),
    "kPa": ("kilopascal", "kilopascals"), "cal": ("calorie", "calories"), "kcal": ("kilocalorie", "kilocalories"),
    "kJ": ("kilojoule", "kilojoules"), "rpm": ("R P M", "R P M"),
    "fps": ("frame per second", "frames per second"), "px": ("pixel", "pixels"), "ha": ("hectare", "hectares"),
    "°C": ("degree celsius", "degrees celsius"), "°F": ("degree fahrenheit", "degrees fahrenheit"),
    "°": ("degree", "degrees"), "Ω": ("ohm", "ohms"),
}  # fmt: skip

# Currency sign or code: unit and its hundredth, each singular and plural.
CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"), "US$": ("U S dollar", "U S dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"), "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "", ""), "₩": ("won", "won", "", ""), "₹": ("rupee", "rupees", "paisa", "paise"),
    "₽": ("ruble", "rubles", "kopek", "kopeks"), "₿": ("bitcoin", "bitcoins", "", ""),
    "HK$": ("Hong Kong dollar", "Hong Kong dollars", "cent", "cents"),
    "A$": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "C$": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "USD": ("U S dollar", "U S dollars", "cent", "cents"), "EUR": ("euro", "euros", "cent", "cents"),
    "GBP": ("pound", "pounds", "penny", "pence"), "JPY": ("yen", "yen", "", ""), "CNY": ("yuan", "yuan", "", ""),
    "RMB": ("R M B", "R M B", "", ""),
}  # fmt: skip
SCALES = {
    "k": "thousand", "K": "thousand", "m": "million", "M": "million", "mn": "million", "b": "billion",
    "B": "billion",
    "bn": "billion", "tn": "trillion", "T": "trillion",
}  # fmt: skip

SIGNS = {
    "&": "and", "@": "at", "#": "hash", "+": "plus", "=": "equals", "%": "percent", "°": "degrees", "×": "times",
    "÷": "divided by", "±": "plus or minus", "≈": "approximately", "≠": "is not equal to", "≤": "at most",
    "≥": "at least", "<": "less than", ">": "greater than", "√": "square root of", "∞": "infinity",
    "‰": "per mille",
    "©": "copyright", "®": "registered", "™": "trademark", "§": "section", "¶": "paragraph", "→": "to",
    "←": "from",
    "$": "dollars", "£": "pounds", "€": "euros", "¥": "yen", "₩": "won", "₹": "rupees", "₽": "rubles",
    "¢": "cents",
    "^": "to the power of", "−": "minus", "№": "number", "π": "pi", "µ": "micro", "Ω": "ohm", "_": "underscore",
    "\\": "backslash", "|": "vertical bar", "~": "about", "*": "asterisk",
}  # fmt: skip
ADDRESS_SIGNS = {
    ".": "dot", "/": "slash", "-": "dash", "_": "underscore", "@": "at", ":": "colon", "?": "question mark",
    "=": "equals", "&": "and", "#": "hash", "%": "percent", "~": "tilde", "+": "plus",
}  # fmt: skip
GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "ο": "omicron", "π": "pi",
    "ρ": "rho",
    "σ": "sigma", "ς": "sigma", "τ": "tau", "υ": "upsilon", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
}  # fmt: skip

# Capitals that are said as a word although people write them large.
SAID_AS_WORDS = frozenset(
    words(
        "NASA NATO UNESCO UNICEF OPEC AIDS LASER RADAR SCUBA ASAP NAFTA FIFA UEFA SWAT RAM ROM PIN SIM JPEG GIF PNG "
        "COVID SARS CAPTCHA NASDAQ IKEA LEGO RAID CAD CUDA BIOS JSON YAML AWOL ACRONYM VAT DOS SOHO SONAR ASCII"
    )
)
# Short ordinary words, so that shouting is not spelled out.
SHOUTED = frozenset(
    words(
        "A AM AN AND ARE AS AT BE BIG BUT BY CAN DO FOR GET GO HAD HAS HE HER HIM HIS HOW IF IN IS ITS LET ME MY NEW "
        "NO NOT NOW OF OFF OH ON ONE OR OUR OUT RUN SAY SEE SHE SO STOP THE TO TOO TWO UP WAS WAY WE WHO WHY YES YOU"
    )
)
# What people shorten in messages.
SHORTENED = {
    "w/": "with", "w/o": "without", "b/c": "because", "YoY": "year over year", "y/o": "years old", "<3": "heart",
    "<=": "less than or equal to", ">=": "greater than or equal to", "!=": "not equal to", "==": "equals",
    "->": "to", "=>": "to",
}  # fmt: skip
PERIODS = {
    "month": "month", "mo": "month", "year": "year", "yr": "year", "day": "day", "hour": "hour", "week": "week",
    "person": "person", "night": "night", "unit": "unit", "second": "second", "minute": "minute",
}  # fmt: skip
STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California", "CO": "Colorado",
    "CT": "Connecticut", "DE": "Delaware", "FL": "Florida", "GA": "Georgia", "HI": "Hawaii", "ID": "Idaho",
    "IL": "Illinois", "IN": "Indiana", "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana",
    "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota",
    "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada",
    "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York", "NC": "North Carolina",
    "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon", "PA": "Pennsylvania",
    "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas",
    "UT": "Utah", "VT": "Vermont", "VA": "Virginia", "WA": "Washington", "WV": "West Virginia",
    "WI": "Wisconsin", "WY": "Wyoming", "DC": "D C",
}  # fmt: skip
SENTENCE_STARTS = frozenset(
    words(
        "The He She It We They I You But And In On At This That There A An If When As For After Then So My His Her "
        "Their Our Its What Who How Why Where Now Yes No Not"
    )
)
