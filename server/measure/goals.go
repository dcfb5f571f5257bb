package measure

import "vestibule/models/evaluate/figures"

// Answers are the kinds of questions that partners ask, and whose answers are measured.
func Answers() []string {
	return []string{"one", "first_page", "deep_page", "by_email", "by_user", "by_email_unknown", "journeys"}
}

// Goals are what a centre shall reach, with a million submissions stored, on two cores.
func Goals() []figures.Goal {
	var all []figures.Goal
	for _, db := range []string{SQLite, Postgres} {
		for _, kind := range Answers()[:5] {
			all = append(all, figures.Goal{Name: "centre." + db + ".answer." + kind, Value: 20, AtMost: true})
		}
		all = append(all, figures.Goal{Name: "centre." + db + ".decide", Value: 50, AtMost: true},
			figures.Goal{Name: "centre." + db + ".one_approval", Value: 1})
	}
	return append(all,
		figures.Goal{Name: "centre." + SQLite + ".ingest.frames_of_10", Value: 20_000},
		figures.Goal{Name: "centre." + Postgres + ".ingest.frames_of_10", Value: 40_000},
		figures.Goal{Name: "faces.search_cpu.100000", Value: 2, AtMost: true},
		figures.Goal{Name: "faces.search_cpu.1000000", Value: 20, AtMost: true},
		figures.Goal{Name: "lists.swap.failed_queries", Value: 0, AtMost: true},
	)
}
