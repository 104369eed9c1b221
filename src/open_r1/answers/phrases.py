"""The phrases by which a text gives, withdraws or declines an answer, as tables of regular expressions."""

import re

# ---- where an answer is announced -------------------------------------------------------------------------------

# "the answer is …", "Answer: …", "Final answer: …"; other languages only where models drift into them.
# These patterns run over the whole text, in small letters: without re.I and without a leading boundary, which the
# caller checks (`starts_word`), Python's engine skips to the possible first letters and is three times as fast.
ANSWER_NOUN = re.compile(
    r"(?:answers?|ans\.?|verdict|decision|respuesta|réponse|reponse|antwort|resposta|risposta|oтвeт"
    r"|(?:correct|right|true|best|closest|final|appropriate|accurate|suitable|my|preferred)\s+"
    r"(?:options?|choices?|responses?|selections?|picks?|letters?|alternatives?|diagnosis|conclusion|statement))(?![a-z0-9_])"
    r"|答案|正确选项|正解"
)
FINAL_BEFORE = re.compile(r"\b(?:final|ultimate)[ \-]+(?:\w+ )?$", re.I)
# "(option|choice|response|conclusion|diagnosis): B" announces at the start of a line only.
LABEL = re.compile(
    r"(?:^|(?<=[.!?])[ \t])[ \t\-]*(?:(?P<final>final)\s+)?(?:correct|option|choice|response|solution|selection|conclusion|diagnosis|result|output|prediction|key|pick|final|correction)"
    r"[ \t]*:",
    re.I | re.M,
)
CHOOSING = re.compile(
    r"(?:i(?:'d| would| will|'ll)? (?:suggest|recommend|propose)|choose|chose|choosing|chosen|pick|picked|picking|select|selected|selecting|go(?:ing)? with|went with"
    r"|opt(?:ing)? for|settl(?:e|ing) (?:on|for)|stick(?:ing)? with|conclude(?: with)?|meant|correct myself|answer with|respond with|vote for)"
    r"(?![a-z])[:\s]*"
)
COPULA = re.compile(
    r"(?<![A-Za-z])(?:is|are|was|were|be|being|remains?|becomes?|equals?|would be|es|est|ist|é|è)(?![A-Za-z'])|[:=→]|->|=>|(?<=\s)-(?=\s)|(?:是|为|は)"
)
NEGATED_COPULA = re.compile(r"\s*(?:not|n't|never)\b|n't\b", re.I)
# Words that may stand between "is" and the answer without changing what is said.
FILLER = re.compile(
    r"(?:[\s\"'\-:*,]|\.{2,}|(?:therefore|thus|hence|so|clearly|likely|most|probably|definitely|indeed|actually|then|simply|just"
    r"|also|still|now|only|certainly|undoubtedly|obviously|in fact|indeed|in conclusion|finally|ultimately|as follows"
    r"|to be|be|given by|indicated by|represented by|represented as|found in|listed as|in|with|by|as|both|either|that"
    r"|(?:the |my )?(?:(?:correct|final|best|right) )?(?:answer|choice|option|statement) (?:is|would be)"
    r"|(?:the |my )?(?:correct |final |best |right )?answer:"
    r"|the (?:correct |following )?(?:answer|choice|option|letter|alternative|statement|one)(?: (?:labeled|labelled|marked|lettered))?"
    r"|(?:option|choice|letter|answer|alternative|opción|opcion|opção|opzione|la|a letra|letra|lettera|buchstabe|donc|folglich)s?(?: number)?|选项|the)(?![A-Za-z])){0,12}",
    re.I,
)
ALSO = re.compile(r"\balso\b", re.I)
NOT_A_STATEMENT = re.compile(r"\b(?:choices|options|among|whether|which|what|if)\b", re.I)
WRONG_BEFORE = re.compile(
    r"(?:incorrect|wrong|inaccurate|false|least (?:likely|correct)|not (?:the|a|an)(?: \w+)?)\s*$", re.I
)
CONDITIONAL = re.compile(
    r"(?:^|[,;.(\s])(?:if(?!\s+(?:(?:i|we|you|one) (?:had|have|must|were|was)\b|forced|pressed|asked|required))|unless|suppose|assuming|whether|when)\s[^.]*$",
    re.I,
)

# ---- what follows a letter --------------------------------------------------------------------------------------

_ADVERB = (
    r"(?:(?:also|clearly|therefore|thus|hence|definitely|partially|partly|simply|just|probably|likely|most|the|an?|my|our|obviously|"
    r"actually|completely|factually|only|indeed|generally|still|one|more|both|to be|be|entirely|all|less|least|very)\s+){0,4}"
)
_IS = r"(?:is|are|was|were|would be|must be|should be|(?:(?:might|may|could|would|can) )?(?:seem|appear|look)(?:s|ed)?(?: to be| like)?|might be|may be|being|remains|as|can be|could be)"
UNDER_CONDITION = re.compile(
    r"[\s,\"')]*(?:if|unless|when|provided|assuming|depending|for (?:stable|unstable))\b", re.I
)
NOT_RIGHT = re.compile(
    rf"[\s\"'),:;\-]*(?:which |that |this )?(?:(?:{_IS}\s+{_ADVERB})(?P<word>incorrect|wrong|false|inaccurate|untrue|not|ruled out"
    rf"|excluded|eliminated|out\b|unlikely|improbable|partially correct|incomplete|irrelevant|contraindicated|inappropriate)"
    rf"|(?:isn't|aren't|wasn't|cannot|can't|can not|couldn't|doesn't|does not|do not|don't|didn't|did not|wouldn't|would not"
    rf"|should not|shouldn't|won't|describes? incorrectly))(?![A-Za-z])",
    re.I,
)
# "the answer is (D) is incorrect": the sentence takes itself back. With a comma it explains instead, as in questions
# that ask for the false statement: "the answer is (D), which is incorrect because …".
TAKEN_BACK = re.compile(
    r"[\s\"')]*(?:is|are|was)\s+(?:(?P<also>also)\s+|(?:clearly|therefore|thus|definitely|obviously|only)\s+)?"
    r"(?:incorrect|wrong|false|inaccurate|untrue|not\b|partially|partly|ruled out|unlikely)",
    re.I,
)
HEDGED = re.compile(
    r"[^.\n;]{0,60}?(?:,|\s)(?:but|although|though|yet|however|which|and)\b[^.\n;]{0,40}?(?:\bnot|n't|neither)\s+(?:\w+\s+){0,3}?"
    r"(?:exact|exactly|correct|right|accurate|match(?:es|ing)?|an option|the (?:best )?answer)\b",
    re.I,
)
CROSSED = re.compile("[✗✘❌✕]")
SEEMS = re.compile(r"\b(?:seem|appear|look|might|may|could|can)(?:s|ed)?\b", re.I)
# Words without which the two patterns below cannot match: looking for them first is much faster.
ANSWER_HINTS = ("answer", "choice", "option", "response", "selection", "pick", "it is")
FALSE_HINTS = (" statement", " one", "exception")
RIGHT_HINTS = (
    *(
        "correct",
        "right",
        "true",
        "accurate",
        "best",
        "closest",
        "appropriate",
        "answer",
        "likely",
        "suitable",
        "consistent",
    ),
    *(
        "plausible",
        "probable",
        "reasonable",
        "的",
        "most ",
        "correctly",
        "accurately",
        "matches",
        "fits",
        "statement",
        " one ",
    ),
)
IS_THE_ANSWER = re.compile(
    rf"(?:[^.?!\n;]|\.(?=\d)){{0,90}}?(?<![A-Za-z]){_IS}\s+(?:\w+\s+){{0,3}}?(?:answer|choice|option|response|selection|pick)(?![A-Za-z])"
    r"|\s*the\s+(?:\w+\s+){0,2}?(?:answer|choice|option)(?![A-Za-z])|\s+it is(?=\s*[.!\n])",
    re.I,
)
# Of a question that asks for the false statement this names the answer; "is a false statement" does not.
IS_THE_FALSE_ONE = re.compile(
    r"[^.?!\n;]{0,60}?(?<![A-Za-z])is\s+(?:\w+\s+){0,2}?(?:the (?:only )?(?:false|incorrect|untrue|inaccurate) (?:statement|one)"
    r"|the (?:only )?exception|the odd one out)(?![A-Za-z])",
    re.I,
)
IS_RIGHT = re.compile(
    rf"(?:[^.?!\n;]|\.(?=\d)){{0,90}}?(?<![A-Za-z]){_IS}\s+{_ADVERB}(?:correct|right|true|accurate|best|closest|appropriate|answer"
    r"|likely|suitable|consistent|plausible|probable|reasonable|(?<=most )\w+)(?![A-Za-z])"
    r"|[\s),]*(?:\([^()\n]{0,80}\)\s*)?(?:(?:best|correctly|accurately|most accurately)\s+(?:describ|explain|fit|match|represent|captur|answer|account)\w*"
    r"|matches|fits)(?![A-Za-z])"
    r"|[\s),]*\s(?:is|would be)\s+the\s+(?:only\s+)?(?:statement|one)\s+(?:that|which)\b(?!\s+(?:is|does|do|would|can)(?:n't|\s*not)\b)"
    r"|[^.?!\n;]{0,90}?(?::|\s-)\s*(?:this is\s+)?(?:true|correct)\b"
    r"|(?:\s*[)）]?)(?:可能)?(?:是|为)?(?:最)?(?:正确|合适|可能是最合适)的",
    re.I,
)

# ---- what stands before a letter --------------------------------------------------------------------------------

NEGATED_HINTS = (
    *(
        "not",
        "n't",
        "rul",
        "limina",
        "xclu",
        "rather",
        "instead",
        "nlike",
        "either",
        "nor",
        "incorrect",
        "wrong",
        "iscard",
    ),
    *("eject", "xcept", "other than", "ismiss", "gainst", "nless", "ithout", "cross", "Rul", "Not", "Nor", "Cross"),
)
NEGATED = re.compile(
    r"(?:\bnot|n't|cannot be|can not be|ruled? out|rules out|ruling out|eliminat\w+|exclud\w+|rather than|instead of|unlike|neither|nor"
    r"|incorrect|wrong|discard\w*|reject\w*|except(?: for)?|other than|dismiss\w*|against|unless|without|cross(?:ed|ing)? out)\s*"
    r"(?:be\s+|the\s+|any\s+|likely\s+|both\s+|either\s+){0,3}(?:options?|choices?|answers?|statements?|letters?)?[\s:(\"']*$",
    re.I,
)
POINTS_TO = re.compile(
    r"(?:(?<![A-Za-z])(?:is|are|be|was|as|to|in|with|by|:|=|→|->|also|but|leaves|leaving(?: us with)?|say|towards?|supports|matches|describes|favou?rs"
    r"|suggests|indicates)|'s|是|为|：|选择?)\s*(?:therefore |thus |likely |most likely |the |best |indeed )?"
    r"(?:only )?(?:options?|choices?|answers?|statements?|letters?|选项)?\s*[\"':]*\s*$"
    r"|\ball (?:of )?[^.\n]{0,50}\bexcept(?: for)?:?\s*(?:option\s+)?$",
    re.I,
)
# "doesn't indicate common ancestry (A)": a denial a few words before the letter.
DENIES = re.compile(
    r"(?:\bnot|n't|\bnever|\brather than|\binstead of|\bnor)\s+(?:(?!(?:is|are|was|but|because|only|just|merely|rather|instead|that)\b)"
    r"[\w'-]+\s+){1,5}[\"'(]*(?:option\s+)?$",
    re.I,
)
AS_IN = re.compile(r"\bas in\s+(?:options?\s+)?[\"'(]*$", re.I)
ALL_EXCEPT = re.compile(r"\ball\b[^.\n]{0,50}\bexcept(?: for)?:?\s*(?:option\s+)?[\"'(]*$", re.I)
# "is (B)" says what the answer is; "as in (B)", "included in (B)" only point there.
EQUATES = re.compile(r"(?:(?<![A-Za-z])(?:is|be|:|=|→|->)|'s|是|为)[\s\"':]*(?:\w+\s+){0,4}[\"'(]*$", re.I)
ONLY = re.compile(r"\bonly (?:(?:option|choice) )?[\"'(]*$", re.I)
# "The answer is (A) for the first child and (B) for the second."
SHARED_OUT = re.compile(r"[^.?!\n]{0,80}?\b(?:and|or)\s+(?:option\s+)?\(?([A-Z])\)?\s+(?:for|if|in|when)\b")
# "Hence C."
LEADS = re.compile(
    r"\b(?:hence|thus|therefore|so|ergo|consequently|no|wait|actually|rather|make that|definitely|probably|leaves(?: us with)?|guess|i(?: would|'d)? say)[,:]?\s*(?:option\s+)?$",
    re.I,
)
# A capital without brackets is an option only where a noun could begin: not in "Lake B is", "hepatitis B is".
BEFORE_BARE = re.compile(
    r"(?:^|[.!?;:,(\n\"'→>-]|\b(?:so|that|and|but|or|thus|therefore|hence|then|while|because|since|as|only|is|are|be|was|not|it's|to|in|with|by"
    r"|than|of|out|towards?|eliminate|exclude|choose|select|also|both|either|neither|nor|likely|therefore|supports|matches|leaves|leaving|making|makes|say|get|gives|yields|only|think|believe|conclude|guess|no|wait|actually|definitely|probably)|'s)\s*$",
    re.I,
)
OPTION_WORD = re.compile(r"(?:(?<![A-Za-z])(?:option|choice|answer|statement|letter)|选项|选择|选)\s*[\"'(]*$", re.I)
CUE = re.compile(
    r"\b(?:therefore|thus|hence|so|consequently|accordingly|in conclusion|in summary|overall|ultimately|to conclude|based on|given"
    r"|most|best|correct|closest|likely|appropriate|consistent|suggests?|indicates?|points?|makes?|making|answer|option|this is|conclude"
    r"|diagnosis|should|would be|recommended?|indicated|explains?|because|due to)\b|正确|最|因此",
    re.I,
)
CONCLUDES = re.compile(
    r"\b(?:therefore|thus|hence|so|consequently|accordingly|in conclusion|in summary|overall|ultimately|finally|to conclude|in short"
    r"|final|best|all things considered|taken together|putting (?:it|this) (?:all )?together)\b",
    re.I,
)
CORRECTS = re.compile(
    r"\b(?:wait|actually|however|but|correction|corrected|sorry|apolog\w+|mistaken?|error|oops|hmm+|on second thought|on reflection"
    r"|re-?consider\w*|re-?check\w*|re-?evaluat\w*|re-?examin\w*|re-?read\w*|re-?assess\w*|re-?think\w*|instead|rather|closer look"
    r"|i was wrong|scratch that|no,|not right|not quite|nevertheless|yet|revis\w+|changed? my|more accurately|should (?:be|have been))(?![A-Za-z])",
    re.I,
)
# "The answer is B. On second thought, it could also be A."
DOUBTS = re.compile(
    r"\bon (?:second thought|reflection)\b|\bi(?:'m| am) (?:not|un)\s?(?:so )?(?:sure|certain)\b", re.I
)

# ---- no answer --------------------------------------------------------------------------------------------------

DECLINES = re.compile(
    r"none of (?:the|these|those|them)\b|no (?:correct|right|valid|suitable|single|clear|definitive)?\s*(?:answer|option|choice)s?\b"
    r"|neither (?:option|choice|answer|of)\b"
    r"|(?:cannot|can't|can not|could not|couldn't|unable to|not able to|impossible to|difficult to|hard to|not possible to)\s+"
    r"(?:be\s+)?(?:definitively |reliably |accurately |confidently |really |fully )?"
    r"(?:determined?|answer(?:ed)?|say|tell|decided?|know|provide|give|help|assist|choose|select|identif\w+|conclude|make)"
    r"|(?:don't|do not) (?:know|have (?:enough|sufficient|access))|(?:not enough|insufficient|lack of) (?:information|data|context)"
    r"|depends? on (?:whether|if\b)|missing (?:some |key )?(?:information|details|data)|could you (?:please )?(?:provide|share|clarify|specify)"
    r"|not (?:provided|given|listed|available|specified|stated|clear|included|among)\b|all of the (?:above|options|choices|answers)\b(?![^.\n]*\bexcept\b)"
    r"|question (?:is|might be|may be|seems|appears)(?: to be)? (?:incorrect|incomplete|flawed|invalid|unclear|ambiguous)"
)
NONE_RIGHT = re.compile(
    r"\bnone of (?:the|these|those)\s*(?:\w+ ){0,2}?(?:above|options?|choices|answers?|statements)?|\bno (?:correct|right) (?:answer|option)",
    re.I,
)
ALL_RIGHT = re.compile(
    r"\ball of (?:the|these|those)?\s*(?:\w+ ){0,2}?(?:above|options|choices|answers|statements)\b", re.I
)


def lower(text: str) -> str:
    """The text in small letters, character by character, so that places in it stay the same."""
    small = text.lower()
    return small if len(small) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def starts_word(text: str, at: int) -> bool:
    """Whether no letter stands right before `at`."""
    return at == 0 or not (text[at - 1].isascii() and text[at - 1].isalnum())
