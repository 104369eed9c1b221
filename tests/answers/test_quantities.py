"""Numbers, dates and short texts in the sentences that people write around them."""

import pytest

from open_r1.answers.quantities import read_number
from open_r1.answers.value import grade_number, grade_text

# completion, answer, lower, upper, right
NUMBERS = [
    ("The patient's Glomerular Filtration Rate is 35.2 mL/min/1.73 m².", "39.642", "37.6599", "41.6241", False),
    ("Therefore, the GFR is between 30 and 50 mL/min.", "39.642", "37.6599", "41.6241", False),
    ("GFR = 142 * 0.4 * 0.7 = 39.76 mL/min/1.73m^2\n\nThis corresponds to stage 3b chronic kidney disease (GFR 30-44).", "39.642", "37.6599", "41.6241", True),
    ("We need the age, sex, and creatinine. The equation is GFR = 142 × min(Scr/κ,1)^α × max(Scr/κ,1)^-1.200 × 0.9938^age. With κ = 0.9 and α =", "39.642", "37.6599", "41.6241", False),
    ("The score is 4/9.", "4", "4", "4", True),
    ("The patient's CHA₂DS₂-VASc score is 5.", "4", "4", "4", False),
    ("So the CHA2DS2-VASc score for this patient is four.", "4", "4", "4", True),
    ("The score is 3 or 4.", "4", "4", "4", False),
    ("Therefore, the total CHA2DS2-VASc score for this patient is 4. This indicates a high risk of stroke (4.8% per year), and anticoagulation is recommended.", "4", "4", "4", True),
    ("The free water deficit is 1.39 L.", "-1.39", "-1.4595", "-1.3205", False),
    ("37 492.9", "37492.904", "35618.2588", "39367.5492", True),
    ("FIB-4 = 37.5", "37492.904", "35618.2588", "39367.5492", False),
    ("11/9/12", "11/09/2012", "11/09/2012", "11/09/2012", True),
    ("The last menstrual period was on 02/02/2012.", "11/09/2012", "11/09/2012", "11/09/2012", False),
    ("The answer is 09/11/2012", "11/09/2012", "11/09/2012", "11/09/2012", False),
    ("LMP: 02/02/2012. So the estimated due date is 11/09/2012 (40 weeks after 02/02/2012).", "11/09/2012", "11/09/2012", "11/09/2012", True),
    ("8+6 weeks", "('8 weeks', '6 days')", "('8 weeks', '6 days')", "('8 weeks', '6 days')", True),
    ("8 6/7 weeks", "('8 weeks', '6 days')", "('8 weeks', '6 days')", "('8 weeks', '6 days')", True),
    ("The gestational age is 9 weeks.", "('8 weeks', '6 days')", "('8 weeks', '6 days')", "('8 weeks', '6 days')", False),
    ("8 weeks and 5 days", "('8 weeks', '6 days')", "('8 weeks', '6 days')", "('8 weeks', '6 days')", False),
    ("The BMI is 24.3. A BMI between 18.5 and 24.9 is normal.", "24.305", "23.08975", "25.52025", True),
    ("The BMI is in the normal range.", "24.305", "23.08975", "25.52025", False),
    ("0.75 or 75%", "0.75", None, None, True),
    ("1½ mg", "1.5", None, None, True),
    ("1 1/2", "1.5", None, None, True),
    ("$1\\frac{1}{2}$", "1.5", None, None, True),
    ("With a blood pressure of 110/70 mmHg, the MAP is 83 mmHg.", "83", "78.85", "87.15", True),
    ("Corrected calcium = 8.0 + 0.8 × (4.0 − 2.8) = 8.0 + 0.96 = 8.96 mg/dL. This value is within the normal range (8.5–10.5 mg/dL).", "8.94", "8.493", "9.387", True),
    ("The corrected calcium concentration is 8.9 mg/dL.\n\nPlease let me know if you need anything else!", "8.94", "8.493", "9.387", True),
    ("Corrected calcium (mg/dL) = measured total Ca (mg/dL) + 0.8 × (4.0 - serum albumin [g/dL])", "8.94", "8.493", "9.387", False),
    ("Corrected calcium = 8.96 mg/dL, i.e. 2.24 mmol/L.", "8.94", "8.493", "9.387", True),
    ("The measured calcium is 8.0 mg/dL and the albumin is 2.8 g/dL, so the corrected calcium is 8.96 mg/dL.", "8.94", "8.493", "9.387", True),
    ("Using the formula, corrected calcium is 7.04 mg/dL.", "8.94", "8.493", "9.387", False),
    ("**Corrected calcium ≈ 8.96 mg/dL**\n\n*Reference: Payne et al.*", "8.94", "8.493", "9.387", True),
    ("I cannot calculate this without the albumin level.", "8.94", "8.493", "9.387", False),
    ("Child-Pugh class B", "8", "8", "8", False),
    ("The Child-Pugh Score for this patient is 9.", "8", "8", "8", False),
    ("The score is 8. It should be noted that encephalopathy was assumed to be absent (1 point).", "8", "8", "8", True),
    ("The score ranges from 5 to 15.", "8", "8", "8", False),
    ("Total: 8/15", "8", "8", "8", True),
    ("The QTc is 0.3216 s.", "321.588", "305.5086", "337.6674", False),
    ("The date would be 01/01/2010.", "12/31/2009", "12/31/2009", "12/31/2009", False),
    ("12/31/09", "12/31/2009", "12/31/2009", "12/31/2009", True),
    ("The delta gap is 7.", "-7", "-7.35", "-6.65", False),
    ("The delta gap is negative seven.", "-7", "-7.35", "-6.65", True),
]  # fmt: skip
TEXTS = [
    ("**Metformin** (a biguanide)", "metformin", True),
    ("The drug of choice is metformin.", "metformin", True),
    ("The most likely diagnosis is acute appendicitis.", "acute appendicitis", True),
    ("Diagnosis: Acute appendicitis", "acute appendicitis", True),
    ("The answer is not metformin.", "metformin", False),
    ("It is not appendicitis.", "appendicitis", False),
    ("The answer is metformin or insulin.", "metformin", False),
    ("The answer is Left Ventricle (LV).", "left ventricle", True),
    ("Based on the findings, I conclude that the patient has Graves' disease.", "Graves disease", True),
    ("The answer is metformin, because it lowers hepatic glucose output.", "metformin", True),
    ("I would give insulin rather than metformin.", "metformin", False),
    ("The answer: H. pylori infection", "H. pylori infection", True),
    ("The diagnosis is hepatitis.", "hepatitis B", False),
]  # fmt: skip


@pytest.mark.parametrize(("completion", "answer", "lower", "upper", "right"), NUMBERS)
def test_a_number_in_its_sentence(completion, answer, lower, upper, right):
    assert grade_number(completion, answer, lower, upper)[0] is right


@pytest.mark.parametrize(("completion", "answer", "right"), TEXTS)
def test_a_text_in_its_sentence(completion, answer, right):
    assert grade_text(completion, answer)[0] is right


@pytest.mark.parametrize(
    ("passage", "value"),
    [
        ("1 1/2", 1.5),
        ("a dose of 1,920 mg", 1920),
        ("37 492.9", 37492.9),
        ("1.2 × 10^-3", 0.0012),
        ("the score is 4/9", 4),
        ("the ratio is 4/8", 0.5),
        ("0.75 or 75%", 0.75),
        ("3 or 4", None),
        ("18.5 to 24.9", None),
        ("minus", None),
        ("4/0", None),
    ],
)
def test_a_number_as_written(passage, value):
    found = read_number(passage)
    assert (found.value if found else None) == value
