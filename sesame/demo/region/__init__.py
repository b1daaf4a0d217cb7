"""An invented region, written in the official formats that a real one would receive.

`generate.generate` writes a folder of files (directory of schools, school rolls, shops,
programmes) and hands back the same facts as plain values; `plan.make_plan` says who then buys what
where; `phone` and `terminal` hold the keys that the young people and the shops would hold.

Everything is decided by a seed: the same seed writes the same bytes. The persons, schools, shops
and accounts are invented and built so that they cannot be mistaken for real ones; only the communes
and the nomenclatures are real.
"""
