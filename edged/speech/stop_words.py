"""Words that everybody says: they are counted, but they are nobody's favourite. Own short lists."""

from functools import cache

_LISTS = {
    "en": """
        a about actually after again ah all also am an and any are aren't as at back be because been
        before being but by came can can't come could couldn't did didn't do does doesn't doing don't
        done down each eh er even every few first for from get gets getting give go goes going gonna
        good got gotta had has have haven't having he he'd he'll he's her here here's him his hm hmm how
        i i'd i'll i'm i've if in into is isn't it it'd it'll it's its just kind know last less let let's
        like little look lot made make many may maybe me mean might mm mm-hmm more most much must my need
        never new no not nothing now of off oh ok okay on one only or other our out over own put quite
        really right said same saw say says see she she'd she'll she's should shouldn't so some something
        sort still such take than that that's the their them then there there's these they they'd they'll
        they're they've thing things think this those though three through time to too two uh uhm um up
        us used very want wanna was wasn't way we we'd we'll we're we've well went were weren't what
        what's when where which while who who's whom why will with won't would wouldn't yeah yep yes yet
        you you'd you'll you're you've your yours
    """,
    "de": """
        aber alle allem allen alles als also am an andere anderen auch auf aus bei beim bin bis bist da
        dabei damit dann daran darauf das dass davon dazu dein deine dem den denn der des dich die dies
        diese diesem diesen dieser dieses dir doch dort du durch eigentlich ein eine einem einen einer
        eines einfach einmal er es etwas euch für ganz gar gehen gibt gut habe haben hat hatte hatten hier
        hin hätte ich ihm ihn ihnen ihr ihre im immer in ins ist ja jetzt jede jeden jeder kann kannst
        kein keine keinen können könnte machen mal man mehr mein meine mich mir mit muss müssen nach nicht
        nichts noch nun nur ob oder ohne schon sehr sein seine sich sie sind so soll sollte sondern über
        um und uns unser unter viel vom von vor war waren was weil welche wenn wer werden wie wieder will
        wir wird wirklich wo wollen wurde würde zu zum zur zwei äh ähm
    """,
    "fr": """
        ai aie alors as assez au aucun aussi autre aux avait avec avez avoir avons beaucoup bien bon c'est
        ce cela ces cet cette ceux chez comme d'accord d'un d'une dans de des donc dont du elle elles en
        encore est et était étaient été être eu euh eux fait faire faut hein il ils j'ai je juste l'on la le
        les leur leurs lui là ma mais me mes moi mon même n'est ne ni non nos notre nous on ont ou oui où
        par parce pas peu peut plus pour pourquoi pouvez puis qu'elle qu'il qu'on quand que quel quelle qui
        quoi sa sans se sera ses si son sont suis sur ta te tes toi ton tous tout toute toutes très tu un
        une va vais vas voilà vont vos votre vous vraiment y à ça
    """,
    "es": """
        a al algo alguien ahí ahora allí antes aquí así aunque bien bueno cada casi como con contra cual
        cuando cuál cómo da de del desde donde dos dónde e el ella ellas ellos en entonces era eran eres es
        esa ese eso esta estaba estamos estar estas este esto estos está están estoy fue fueron ha había hace
        hacer hasta hay he la las le les lo los me mi mis mucho muchos muy más nada ni no nos nosotros o otra
        otro para pero poco por porque pues que quien quién qué se sea ser si sido sin sobre son soy su sus
        sí también te tengo tenemos tiene tienen toda todas todo todos tu tus tú un una uno unos usted va
        vamos ver voy y ya yo él
    """,
    "it": """
        a abbiamo ad adesso ai al alla alle allora altri altro anche ancora avere aveva bene c'è che chi ci
        come con cosa così da dal dalla dei del della delle dello di dove due e ed era erano essere fa fare
        fatto fra già gli ha hai hanno ho i il in io la le lei lo loro lui ma me mi mia mio molto nel nella
        no noi non nostro o ogni per perché però più poco poi può qua qual quale quando quanto quella quello
        questa questi questo qui se sei senza si sia siamo sono sta stato su sua sue suo sul sulla tanto te
        ti tra tu tuo tutti tutto un un'altra una uno va vi voi è
    """,
    "pt": """
        a agora ainda ali ao aos aqui as assim até bem cada com como da dar das de dele dela depois do dois
        dos e ela elas ele eles em então era eram essa esse esta estamos estar estava este estou está estão
        eu faz fazer foi foram gente há isso isto já lá mais mas me mesmo meu minha muito na nada nas nem no
        nos nossa nosso num numa não nós né o onde os ou para pela pelo pode por porque pra pro quando que
        quem quer se sei sem sempre ser seu seus sim sobre sou sua suas são só tem temos tenho ter teu também
        toda todo todos tu tudo um uma vai vamos você vocês vou à às é
    """,
    "nl": """
        aan al alle alleen als altijd andere ben bij daar dan dat de deze die dit doe doen door dus echt een
        eens eigenlijk en er even ga gaan gaat geen gewoon goed had heb hebben heeft heel hem het hier hij hoe
        ik in is ja je jij jou jullie kan kunnen maar me meer men met mij mijn moet moeten naar nee niet niets
        nog nu of om omdat onder ons ook op over te toch toen tot u uit uh van veel voor waar want waren was
        wat we wel wie wij wil worden wordt zal ze zeg zei zich zij zijn zo zonder zou
    """,
    "zh": """
        的 了 是 我 你 他 她 它 们 這 这 那 有 在 不 也 就 都 和 与 與 一 个 個 上 下 来 來 去 到 说 說 要 会 會
        着 著 没 沒 看 好 自 之 吗 嗎 吧 呢 啊 哦 嗯 很 还 還 可 以 为 為 什 么 麼 对 對 得 地 把 被 给 給 让 讓
        从 從 里 裡 能 想 后 後 过 過 样 樣 道 知 起 时 時 候 年 人 大 小 多 少 中 子
    """,
    "ms": """
        ada adalah akan aku anda apa atau awak bagi bahawa baru belum boleh bukan dah dalam dan dapat dari
        daripada dengan di dia hanya ia ini itu jadi jika juga kalau kami kamu kan karena kata ke kena kepada
        kerana kita lagi lah lebih macam mahu mana mereka nak ni nya oleh orang pada pun sahaja saja sama
        sangat satu saya sebagai semua seperti serta sudah supaya tak tapi telah tentang tetapi tidak tu untuk
        ya yang
    """,
}


@cache
def stop_words(language: str) -> frozenset[str]:
    """The stop words of a language, casefolded; of all languages when the code is empty.

    Args:
        language: a code such as `en` or `en-SG`; one without a list has none.
    """
    if not language:
        return frozenset().union(*(stop_words(code) for code in _LISTS))
    code = language.partition("-")[0]
    return frozenset(_LISTS.get({"id": "ms", "yue": "zh"}.get(code, code), "").casefold().split())
