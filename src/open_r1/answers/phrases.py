"""The phrases by which a text gives, withdraws or declines an answer, as tables of regular expressions."""

import re

# ---- where an answer is announced -------------------------------------------------------------------------------

# "the answer is …", "Answer: …", "Final answer: …"; other languages only where models drift into them.
ANSWER_NOUN = re.compile(
    r"(?<![A-Za-z])(?:(?P<final>final|ultimate)[ \-]+(?:\w+ ){0,2}?)?"
    r"(?:answers?|ans|solution|verdict|decision|respuesta|réponse|reponse|antwort|resposta|risposta)(?![A-Za-z])"
    r"|(?P<best>(?<![A-Za-z])(?:correct|right|best|closest|final|appropriate|accurate|suitable|my|preferred)\s+"
    r"(?:answer\s+)?(?:options?|choices?|responses?|selections?|picks?|letters?|alternatives?|diagnosis|conclusion|statement)(?![A-Za-z]))"
    r"|答案|正确选项|正解",
    re.I,
)
# "(option|choice|response|conclusion|diagnosis): B" announces at the start of a line only.
LABEL = re.compile(
    r"^[ \t\-]*(?:(?P<final>final)\s+)?(?:correct|option|choice|response|selection|conclusion|diagnosis|result|output|prediction)"
    r"[ \t]*:",
    re.I | re.M,
)
CHOOSING = re.compile(
    r"(?<![A-Za-z])(?:choose|chose|choosing|chosen|pick|picked|picking|select|selected|selecting|go(?:ing)? with|went with"
    r"|opt(?:ing)? for|settl(?:e|ing) (?:on|for)|stick(?:ing)? with|conclude(?: with)?|answer with|respond with|vote for)"
    r"(?![A-Za-z])[:\s]*",
    re.I,
)
COPULA = re.compile(
    r"(?<![A-Za-z])(?:is|are|was|were|be|being|remains?|becomes?|equals?|would be|es|est|ist|é|è)(?![A-Za-z'])|[:=→]|->|=>|(?:是|为|は)"
)
NEGATED_COPULA = re.compile(r"\s*(?:not|n't|never)\b|n't\b", re.I)
# Words that may stand between "is" and the answer without changing what is said.
FILLER = re.compile(
    r"(?:[\s\"'\-:*,]|(?:therefore|thus|hence|so|clearly|likely|most|probably|definitely|indeed|actually|then|simply|just"
    r"|also|still|now|only|certainly|undoubtedly|obviously|in fact|indeed|in conclusion|finally|ultimately|as follows"
    r"|to be|be|given by|indicated by|represented by|represented as|found in|listed as|in|with|by|as|both|either|that"
    r"|(?:the |my )?(?:(?:correct|final|best|right) )?(?:answer|choice|option|statement) (?:is|would be)"
    r"|(?:the |my )?(?:correct |final |best |right )?answer:"
    r"|the (?:correct |following )?(?:answer|choice|option|letter|alternative|statement|one)(?: (?:labeled|labelled|marked|lettered))?"
    r"|(?:option|choice|letter|answer|alternative|opción|opcion)s?(?: number)?|选项|the)(?![A-Za-z])){0,12}",
    re.I,
)
ALSO = re.compile(r"\balso\b", re.I)
NOT_A_STATEMENT = re.compile(r"\b(?:choices|options|among|whether|which|what|if)\b", re.I)
WRONG_BEFORE = re.compile(r"(?:incorrect|wrong|inaccurate|false|least (?:likely|correct)|not (?:the|a|an)(?: \w+)?)\s*$", re.I)
CONDITIONAL = re.compile(r"(?:^|[,;.(\s])(?:if|unless|suppose|assuming|were|had|whether|when)\s[^.]*$", re.I)

# ---- what follows a letter --------------------------------------------------------------------------------------

_ADVERB = (
    r"(?:(?:also|clearly|therefore|thus|hence|definitely|partially|partly|simply|just|probably|likely|most|the|an?|my|our|obviously|"
    r"actually|completely|factually|only|indeed|generally|still|one|more|both|to be|be|entirely|all|less|least|very)\s+){0,4}"
)
_IS = r"(?:is|are|was|were|would be|must be|should be|(?:(?:might|may|could|would|can) )?(?:seem|appear|look)(?:s|ed)?(?: to be| like)?|might be|may be|being|remains|as|can be|could be)"
UNDER_CONDITION = re.compile(r"[\s,\"')]*(?:if|unless|when|provided|assuming|depending|for (?:stable|unstable))\b", re.I)
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
SEEMS = re.compile(r"\b(?:seem|appear|look|might|may|could|can)(?:s|ed)?\b", re.I)
IS_THE_ANSWER = re.compile(
    rf"[^.?!\n;]{{0,90}}?(?<![A-Za-z]){_IS}\s+(?:\w+\s+){{0,3}}?(?:answer|choice|option|response|selection|pick)(?![A-Za-z])"
    r"|\s*the\s+(?:\w+\s+){0,2}?(?:answer|choice|option)(?![A-Za-z])",
    re.I,
)
IS_RIGHT = re.compile(
    rf"[^.?!\n;]{{0,90}}?(?<![A-Za-z]){_IS}\s+{_ADVERB}(?:correct|right|true|accurate|best|closest|appropriate|answer"
    r"|(?:likely|suitable|consistent|accurate|appropriate|plausible|effective|important|common|probable|reasonable)(?=\s))(?![A-Za-z])"
    r"|(?:\s*[)）]?)(?:可能)?(?:是|为)?(?:最)?(?:正确|合适|可能是最合适)的",
    re.I,
)

# ---- what stands before a letter --------------------------------------------------------------------------------

NEGATED = re.compile(
    r"(?:\bnot|n't|cannot be|can not be|ruled? out|rules out|ruling out|eliminat\w+|exclud\w+|rather than|instead of|unlike|neither|nor"
    r"|incorrect|wrong|discard\w*|reject\w*|except(?: for)?|other than|dismiss\w*|against|unless|without|cross(?:ed|ing)? out)\s*"
    r"(?:be\s+|the\s+|any\s+|likely\s+|both\s+|either\s+){0,3}(?:options?|choices?|answers?|statements?|letters?)?[\s:(\"']*$",
    re.I,
)
POINTS_TO = re.compile(
    r"(?:(?<![A-Za-z])(?:is|are|be|was|as|to|in|with|by|:|=|→|->|also|but|leaves|say)|'s|是|为|：)\s*(?:therefore |thus |likely |most likely |the |best |indeed )?"
    r"(?:options?|choices?|answers?|statements?|letters?|选项)?\s*[\"':]*\s*$",
    re.I,
)
# "is (B)" says what the answer is; "as in (B)", "included in (B)" only point there.
EQUATES = re.compile(r"(?:(?<![A-Za-z])(?:is|be|:|=|→|->)|'s|是|为)[\s\"':]*(?:\w+\s+){0,4}[\"'(]*$", re.I)
# "Hence C."
LEADS = re.compile(r"\b(?:hence|thus|therefore|so|ergo|consequently|no|wait|actually|rather|make that|definitely|probably|leaves(?: us with)?|i(?: would|'d)? say)[,:]?\s*(?:option\s+)?$", re.I)
# A capital without brackets is an option only where a noun could begin: not in "Lake B is", "hepatitis B is".
BEFORE_BARE = re.compile(
    r"(?:^|[.!?;:,(\n\"'-]|\b(?:so|that|and|but|or|thus|therefore|hence|then|while|because|since|as|only|is|are|be|was|not|it's|to|in|with|by"
    r"|than|of|out|eliminate|exclude|choose|select|also|both|either|neither|nor|likely|therefore|leaves|say|no|wait|actually|definitely|probably)|'s)\s*$",
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

# ---- no answer --------------------------------------------------------------------------------------------------

DECLINES = re.compile(
    r"\bnone of (?:the|these|those|them)\b|\bno (?:correct|right|valid|suitable|single|clear|definitive)?\s*(?:answer|option|choice)s?\b"
    r"|\bneither (?:option|choice|answer|of)\b"
    r"|\b(?:cannot|can't|can not|could not|couldn't|unable to|not able to|impossible to|difficult to|hard to|not possible to)\s+"
    r"(?:be\s+)?(?:definitively |reliably |accurately |confidently |really |fully )?"
    r"(?:determined?|answer(?:ed)?|say|tell|decided?|know|provide|give|help|assist|choose|select|identif\w+|conclude|make)"
    r"|\b(?:i )?(?:don't|do not) (?:know|have (?:enough|sufficient|access))|\b(?:not enough|insufficient|lack of) (?:information|data|context)"
    r"|\bnot (?:provided|given|listed|available|specified|stated|clear|included|among)\b|\ball of the (?:above|options|choices|answers)\b"
    r"|\bquestion (?:is|might be|may be|seems|appears)(?: to be)? (?:incorrect|incomplete|flawed|invalid|unclear|ambiguous)",
    re.I,
)
NONE_RIGHT = re.compile(
    r"\bnone of (?:the|these|those)\s*(?:\w+ ){0,2}?(?:above|options?|choices|answers?|statements)?|\bno (?:correct|right) (?:answer|option)", re.I
)
ALL_RIGHT = re.compile(r"\ball of (?:the|these|those)?\s*(?:\w+ ){0,2}?(?:above|options|choices|answers|statements)\b", re.I)
