"""What is wrong with this machine, or with this recipe on it: `python -m open_r1.doctor [RECIPE]`.

Nothing but the standard library is imported before a check needs it: the doctor is for machines on which nothing works yet.
"""
