package mail

import (
	"strings"

	"vestibule/journey"
)

// Language is one that letters are written in: those that the kiosk speaks.
type Language struct {
	Code string // BCP 47
	RTL  bool
}

// Languages lists them; the first is that of whoever chose another.
func Languages() []Language { return []Language{{Code: "en"}, {Code: "ar", RTL: true}, {Code: "ja"}} }

// languageOf finds the language of a tag; a regional one finds its language.
func languageOf(tag string) Language {
	base, _, _ := strings.Cut(strings.ToLower(tag), "-")
	for _, l := range Languages() {
		if l.Code == base {
			return l
		}
	}
	return Languages()[0]
}

// Keys of the sentences.
const (
	keySubject   = "subject"
	keyTitle     = ".title"
	keyBody      = ".body"
	keyComment   = "comment"
	keyReference = "reference"
	keyFooter    = "footer"
)

// outcome is the part of a key that stands for a decision.
func outcome(d journey.Decision) string {
	switch d {
	case journey.Approved:
		return "result.approved"
	case journey.Rejected:
		return "result.rejected"
	}
	return "result.pending"
}

// sentences gives a language's words.
func sentences(code string) map[string]string {
	switch code {
	case "ar":
		return arabic()
	case "ja":
		return japanese()
	}
	return english()
}

func english() map[string]string {
	return map[string]string{
		keySubject:              "News about your identity check",
		"result.approved.title": "Your identity is confirmed",
		"result.approved.body":  "The check of your identity is complete, and everything was in order. You need not do anything more.",
		"result.rejected.title": "Your identity could not be confirmed",
		"result.rejected.body":  "The check of your identity is complete, and it could not be confirmed. Please ask the staff where you were checked what you can do, and give them the reference below.",
		"result.pending.title":  "We are still looking at it",
		"result.pending.body":   "Somebody has to look at your identity check before it is complete. You need not do anything for now. You will hear from us.",
		keyComment:              "What we would like to tell you:",
		keyReference:            "Your reference:",
		keyFooter:               "You get this message because this address was given at an identity check. If that was not you, you can ignore it. This message was written by a machine.",
	}
}

func arabic() map[string]string {
	return map[string]string{
		keySubject:              "مستجدات التحقق من هويتك",
		"result.approved.title": "تم تأكيد هويتك",
		"result.approved.body":  "اكتمل التحقق من هويتك وكان كل شيء سليماً. لا يلزمك فعل أي شيء آخر.",
		"result.rejected.title": "تعذّر تأكيد هويتك",
		"result.rejected.body":  "اكتمل التحقق من هويتك ولم يمكن تأكيدها. يُرجى سؤال الموظفين في مكان التحقق عما يمكنك فعله، وإعطاؤهم الرقم المرجعي أدناه.",
		"result.pending.title":  "ما زلنا ندرس الأمر",
		"result.pending.body":   "يجب أن يراجع أحد الموظفين التحقق من هويتك قبل أن يكتمل. لا يلزمك فعل شيء الآن، وسنخبرك بالنتيجة.",
		keyComment:              "ما نود إخبارك به:",
		keyReference:            "رقمك المرجعي:",
		keyFooter:               "وصلتك هذه الرسالة لأن هذا العنوان أُعطي عند التحقق من هوية. إن لم تكن أنت من أعطاه فيمكنك تجاهلها. كتب هذه الرسالة نظام آلي.",
	}
}

func japanese() map[string]string {
	return map[string]string{
		keySubject:              "ご本人確認についてのお知らせ",
		"result.approved.title": "ご本人であることを確認しました",
		"result.approved.body":  "ご本人確認が完了し、問題はありませんでした。お手続きはこれで終わりです。",
		"result.rejected.title": "ご本人であることを確認できませんでした",
		"result.rejected.body":  "ご本人確認が完了しましたが、確認できませんでした。今後については、確認を受けた窓口の係員に下の受付番号を伝えてお尋ねください。",
		"result.pending.title":  "現在確認中です",
		"result.pending.body":   "ご本人確認の完了には、担当者による確認が必要です。今のところ、お手続きは必要ありません。結果は後ほどお知らせします。",
		keyComment:              "担当者からのお知らせ:",
		keyReference:            "受付番号:",
		keyFooter:               "このメールは、ご本人確認の際にこのアドレスが入力されたためお送りしています。お心当たりがない場合は破棄してください。このメールは自動送信です。",
	}
}
