"""Texts for counting: sentences of several languages, and this repository's own prose and code. No test stands here."""

from __future__ import annotations

import random
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]

SENTENCES = {
    "english": (
        "The heat pump on the roof runs quietly at night, and nobody in the house has complained so far.",
        "Two of the three suppliers answered within a day; the third one has not written back since March.",
        "Can you compare the cost of insulation with the cost of a new boiler over ten years?",
        "She read the report twice, underlined four numbers, and asked who had measured them.",
        "When the river rises, the lower bridge is closed and the buses take the long way round.",
        "I would rather know what went wrong than be told that everything is fine.",
        "Please list the five most important risks, the most likely first, in one line each.",
        "Nothing in the contract says that the deposit is lost when the date is moved.",
    ),
    "german": (
        "Die Wärmepumpe läuft nachts leise, und bisher hat sich im Haus niemand darüber beschwert.",
        "Zwei der drei Lieferanten haben innerhalb eines Tages geantwortet, der dritte seit März nicht mehr.",
        "Können Sie die Kosten der Dämmung mit denen eines neuen Kessels über zehn Jahre vergleichen?",
        "Sie las den Bericht zweimal, unterstrich vier Zahlen und fragte, wer sie gemessen habe.",
        "Bei Hochwasser wird die untere Brücke gesperrt, und die Busse fahren einen großen Umweg.",
        "Im Vertrag steht nirgends, dass die Anzahlung verfällt, wenn der Termin verschoben wird.",
    ),
    "french": (
        "La pompe à chaleur fonctionne sans bruit la nuit, et personne ne s'en est plaint jusqu'ici.",
        "Deux des trois fournisseurs ont répondu dans la journée ; le troisième n'a plus écrit depuis mars.",
        "Pouvez-vous comparer le prix de l'isolation à celui d'une nouvelle chaudière sur dix ans ?",
        "Elle a lu le rapport deux fois, souligné quatre chiffres et demandé qui les avait mesurés.",
        "Quand la rivière monte, le pont du bas est fermé et les bus font un détour.",
    ),
    "russian": (
        "Тепловой насос на крыше ночью работает тихо, и до сих пор никто в доме не жаловался.",
        "Два из трёх поставщиков ответили за день, а третий молчит с самого марта.",
        "Можете ли вы сравнить стоимость утепления со стоимостью нового котла за десять лет?",
        "Она дважды прочитала отчёт, подчеркнула четыре числа и спросила, кто их измерил.",
        "Когда река поднимается, нижний мост закрывают, и автобусы едут в объезд.",
        "В договоре нигде не сказано, что задаток пропадает, если перенести дату.",
    ),
    "greek": (
        "Η αντλία θερμότητας στη στέγη δουλεύει αθόρυβα τη νύχτα και κανείς δεν έχει παραπονεθεί.",
        "Δύο από τους τρεις προμηθευτές απάντησαν μέσα σε μία μέρα, ο τρίτος όχι ακόμη.",
        "Διάβασε την έκθεση δύο φορές, υπογράμμισε τέσσερις αριθμούς και ρώτησε ποιος τους μέτρησε.",
        "Όταν ανεβαίνει το ποτάμι, η κάτω γέφυρα κλείνει και τα λεωφορεία κάνουν τον γύρο.",
    ),
    "chinese": (
        "屋顶上的热泵夜里运行得很安静,到现在为止楼里没有人抱怨过。",
        "三家供应商里有两家当天就回复了,第三家从三月起就没有再来信。",
        "请比较一下十年之内保温层的费用和新锅炉的费用。",
        "她把报告读了两遍,划出四个数字,然后问是谁量的。",
        "河水上涨的时候,下游的桥会关闭,公共汽车要绕很远的路。",
        "合同里没有写明日期改动以后定金会被没收。",
    ),
    "japanese": (
        "屋上のヒートポンプは夜も静かに動いていて、今のところ苦情は出ていません。",
        "三社のうち二社はその日のうちに返事をくれましたが、残りの一社は三月から連絡がありません。",
        "断熱工事の費用と新しいボイラーの費用を、十年間で比べてもらえますか。",
        "彼女は報告書を二度読み、四つの数字に線を引き、誰が測ったのかと尋ねました。",
        "川の水位が上がると下の橋は通行止めになり、バスは遠回りをします。",
    ),
    "korean": (
        "지붕 위의 열펌프는 밤에도 조용히 돌아가고, 아직까지 불평하는 사람은 없습니다.",
        "공급업체 세 곳 중 두 곳은 하루 만에 답장을 보냈지만 나머지 한 곳은 삼월부터 소식이 없습니다.",
        "단열 공사 비용과 새 보일러 비용을 십 년 동안 비교해 주실 수 있나요?",
        "강물이 불어나면 아래쪽 다리는 막히고 버스는 먼 길로 돌아갑니다.",
    ),
    "arabic": (
        "تعمل المضخة الحرارية على السطح بهدوء في الليل، ولم يشتك أحد في المبنى حتى الآن.",
        "أجاب اثنان من الموردين الثلاثة خلال يوم واحد، أما الثالث فلم يكتب منذ شهر مارس.",
        "هل يمكنك أن تقارن تكلفة العزل بتكلفة غلاية جديدة على مدى عشر سنوات؟",
        "قرأت التقرير مرتين ووضعت خطا تحت أربعة أرقام وسألت من الذي قاسها.",
    ),
    "hindi": (
        "छत पर लगा हीट पंप रात में चुपचाप चलता है और अब तक घर में किसी ने शिकायत नहीं की है।",
        "तीन में से दो आपूर्तिकर्ताओं ने एक दिन में जवाब दिया, तीसरे ने मार्च से कुछ नहीं लिखा।",
        "क्या आप दस साल में इन्सुलेशन की लागत की तुलना नए बॉयलर की लागत से कर सकते हैं?",
        "उसने रिपोर्ट दो बार पढ़ी, चार संख्याओं के नीचे रेखा खींची और पूछा कि उन्हें किसने मापा।",
    ),
    "emoji": (
        "Ship it 🚀 – tests are green ✅, docs are done 📚, coffee is empty ☕😅",
        "👍👍 looks good to me… one nit → rename the flag 🏳️ please 🙏🏽",
        "Weather: ☀️ 31 °C ⇒ ice cream 🍦 for everybody 👨‍👩‍👧‍👦!",
    ),
    "numbers": (
        "2024-03-17T08:15:42Z 192.168.10.254 GET /api/models 200 18234 0.00317",
        "| pump | 12,480.00 | 3.91 | 41 % |\n| boiler | 7,250.50 | 0.94 | 88 % |",
        "f(x) = 3x^2 - 4.5x + 0.125; f(7) = 115.625, f(-2) = 21.125",
    ),
}
_FILES = ("src/alma/models/*.py", "src/alma/engine/*.py", "frontend/lib/*.ts", "docs/*.md")


def repository_texts(rng: random.Random, count: int, half: int) -> list[str]:
    """`count` stretches of this repository's files, of 200 to 3,000 characters."""
    files = sorted(path for pattern in _FILES for path in REPOSITORY.glob(pattern) if path.stat().st_size > 1000)
    files = files[half::2]
    found: list[str] = []
    while len(found) < count:
        text = rng.choice(files).read_text(encoding="utf-8")
        begin = rng.randrange(max(1, len(text) - 200))
        found.append(text[begin : begin + rng.randrange(200, 3000)])
    return found


def texts(seed: int, count: int, *, half: int) -> list[str]:
    """`count` texts as users and agents write them: one language, two mixed, or code and prose of the repository. The
    two halves, 0 and 1, share no sentence and no file."""
    rng = random.Random(seed)
    found = repository_texts(rng, count // 3, half)
    while len(found) < count:
        languages = rng.sample(sorted(SENTENCES), rng.choice((1, 1, 2)))
        sentences = [sentence for language in languages for sentence in SENTENCES[language][half::2]]
        found.append(" ".join(rng.choices(sentences, k=rng.randrange(1, 12))))
    rng.shuffle(found)
    return found
