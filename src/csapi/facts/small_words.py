"""Words that every text is full of and that say nothing alone."""

ENGLISH = """
a about after again all also am an and any are as at be because been before being but by can
could did do does doing done dont for from get got had has have having he her here him his how
i i'm if in into is it it's its just like me more most my no not now of off on one only or
other our out over so some still such than that that's the their them then there these they
this those through to too under until up us very was wasn't we well were what when where which
while who why will with would you your
"""
GERMAN = """
aber alle als also am an auch auf aus bei bin bis da damit dann das dass dem den der des die
dies diese doch ein eine einem einen einer er es für hat hatte habe haben ich ihr im in ist ja
kann mein meine mich mir mit nach nicht noch nur ob oder schon sehr sein sich sie sind so über
um und uns unser vom von vor war waren was weil wenn werden wie wir wird wurde zu zum zur
"""
FRENCH = """
au aux avec avoir bien ce cela ces cette comme dans de des du elle en est et été être eu il ils
je la le les leur lui ma mais me mes moi mon ne nos notre nous on ont ou où par pas plus pour
qu que qui sa se ses si son sont sur ta te tout très tu un une vos votre vous
"""
SPANISH = """
al algo como con cuando de del desde donde el ella en entre era es esta este fue ha hay la las
le les lo los me mi muy más ni no nos o para pero por que qué se si sin sobre son su sus
también te tiene un una uno y ya yo
"""
ARABIC = """
من في على الى عن مع ان انا هو هي هم هذا هذه ذلك تلك التي الذي لا لم لن ما كان كانت قد كل بعد
قبل او ثم حتى عند لكن ليس نحن انت لي له لها لنا كما اذا غير بين
"""
CHINESE = """
的 了 是 我 我们 你 你们 他 她 它 在 和 也 都 就 不 很 有 这 那 个 一 一个 没有 到 说 要 去
会 着 看 好 自己 吗 吧 呢 啊 但 但是 因为 所以 如果 还 还是 被 把 给 让 跟 与 及 或 为 以 对
"""

SMALL_WORDS = f"{ENGLISH} {GERMAN} {FRENCH} {SPANISH} {ARABIC} {CHINESE}"
