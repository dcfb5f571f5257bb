package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"vestibule/models/worker"
	"vestibule/sync/fault"
	"vestibule/sync/wire"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// errUsage says that a command was called wrongly; its message is printed already.
var errUsage = errors.New("wrong use")

func main() { os.Exit(command(os.Args[1:], os.Stdout, os.Stderr)) }

// verb is one command.
type verb struct {
	name string
	does string
	run  func(ctx context.Context, p *program, args []string) error
}

func verbs() []verb {
	return []verb{
		{"init", "make a centre: keys, certificates, database, the first API key", initCommand},
		{"kiosk add", "enrol a kiosk and write its bundle", kioskAdd},
		{"kiosk revoke", "take a kiosk's right to speak away", kioskRevoke},
		{"kiosk list", "list the kiosks", kioskList},
		{"key add", "make an API key", keyAdd},
		{"key list", "list the API keys", keyList},
		{"key revoke", "end an API key at once", keyRevoke},
		{"key status", "list the data keys and the seal keys, and what still needs them", keyStatus},
		{"key rotate-data", "encrypt what is stored with a new key; the old ones still open", keyRotateData},
		{"key rotate-seal", "have kiosks seal to a new key; the old ones still open", keyRotateSeal},
		{"key retire-seal", "take a seal key away that nothing needs any more", keyRetireSeal},
		{"user add", "let a person use the console", userAdd},
		{"user list", "list the people who use the console", userList},
		{"user disable", "take a person's access away at once", userDisable},
		{"list import", "import a sanctions list and put it in force", listImport},
		{"list diff", "tell what importing a list would change", listDiff},
		{"list fetch", "get the lists from their addresses now", listFetch},
		{"list clear", "note that a person is not the entry they resemble", listClear},
		{"list unclear", "take that back", listUnclear},
		{"list cleared", "list the newest pairs that are cleared", listCleared},
		{"list hits", "list who resembles an entry that is new since they were decided on", listHits},
		{"list rescreen", "screen everybody again against the whole of a list", listRescreen},
		{"list prune", "forget the entries of old states of lists", listPrune},
		{"list withdraw", "take a sanctions list out of force", listWithdraw},
		{"list history", "tell which lists came and went, and by whom", listHistory},
		{"list", "list the sanctions lists in force, with their age", listShow},
		{"policy apply", "put a policy in force", policyApply},
		{"policy check", "tell everything that is wrong with a policy file", policyCheck},
		{"policy diff", "tell what a policy file would change", policyDiff},
		{"policy fields", "list what the conditions of rules may ask of", policyFields},
		{"policy history", "list how policies came in force", policyHistory},
		{"policy unstage", "take a policy back from the kiosks that it was rolled out to first", policyUnstage},
		{"policy rollback", "put an earlier version in force again", policyRollback},
		{"policy schema", "print the JSON Schema of a policy file", policySchema},
		{"policy show", "print the policy in force", policyShow},
		{"policy test", "run cases under a policy file", policyTest},
		{"replay", "make stored decisions again, and tell which come out otherwise", replayCommand},
		{"whatif", "tell what stored decisions would be under another policy", whatifCommand},
		{"backup keys", "write the keys file anew, after an erasure", backupKeys},
		{"backup", "write the whole centre into one file, while it runs", backupCommand},
		{"restore", "bring a backup back into a folder of its own", restoreCommand},
		{"erase", "erase a person's data; first told, then done", eraseCommand},
		{"export", "write everything that is held of one person into an encrypted file", exportCommand},
		{"hold add", "keep a person's data from being erased", holdAdd},
		{"hold list", "list what is kept so", holdList},
		{"hold remove", "end that", holdRemove},
		{"retention preview", "tell what the policies no longer keep", retentionPreview},
		{"advisory show", "list the roll-outs by which kiosks note likely duplicates", advisoryShow},
		{"advisory renew", "give a project's roll-out a new salt", advisoryRenew},
		{"broker mosquitto", "write the configuration of a Mosquitto to use instead of the embedded broker", brokerMosquitto},
		{"broker bridge", "write the configuration of a branch's box, and note which kiosks it may speak for", brokerBridge},
		{"branch list", "list the branches and their kiosks", branchList},
		{"branch leave", "take a kiosk out of its branch", branchLeave},
		{"branch revoke", "take a box's right to speak for its kiosks away", branchRevoke},
		{"courier import", "take in what was carried from kiosks, and write the answers to carry back", courierImport},
		{"verify", "prove a journey from the records as they came, or the audit trail", verifyCommand},
		{"audit list", "list the newest lines of the audit trail: who did what", auditList},
		{"audit export", "write lines of the audit trail into a file, as JSON lines", auditExport},
		{"webhook add", "send decisions to an address", webhookAdd},
		{"webhook list", "list the addresses", webhookList},
		{"webhook rotate", "give an address a new secret", webhookRotate},
		{"webhook disable", "send nothing more to an address", webhookDisable},
		{"webhook enable", "send to an address again", webhookEnable},
		{"webhook test", "queue a test message for an address", webhookTest},
		{"webhook deliveries", "list the newest deliveries", webhookDeliveries},
		{"webhook replay", "send a delivery again, under its id", webhookReplay},
		{"mail list", "list the newest messages, without their addresses", mailList},
		{"mail replay", "send a message again, under its id", mailReplay},
		{"mail test", "send one message now, with the settings of serve", mailTest},
		{"config check", "tell everything that is wrong with the settings of serve", configCheck},
		{"config show", "print the settings of serve, and where each comes from", configShow},
		{"doctor", "look at everything that keeps a centre from working, and say what to do", doctorCommand},
		{"serve", "run the centre", serveCommand},
	}
}

// program is what every command works with.
type program struct {
	name string
	out  io.Writer
	errs io.Writer
}

// command runs one command and gives its exit code.
func command(args []string, out, errs io.Writer) int {
	if len(args) == 0 {
		usage(errs)
		return exitUsage
	}
	switch args[0] {
	case "worker":
		return worker.Main(args[1:])
	case "version":
		_, _ = fmt.Fprintln(out, "server", release())
		return exitDone
	case "help", "-h", "-help", "--help":
		usage(out)
		return exitDone
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	for _, v := range verbs() {
		words := strings.Fields(v.name)
		if len(args) < len(words) || strings.Join(args[:len(words)], " ") != v.name {
			continue
		}
		err := v.run(ctx, &program{name: v.name, out: out, errs: errs}, args[len(words):])
		switch {
		case err == nil, errors.Is(err, flag.ErrHelp):
			return exitDone
		case errors.Is(err, errUsage):
			return exitUsage
		case errors.Is(err, errCritical):
			return exitFailed
		}
		report(errs, err)
		return exitFailed
	}
	_, _ = fmt.Fprintf(errs, "server: unknown command %q\n", strings.Join(args, " "))
	usage(errs)
	return exitUsage
}

// report prints an error towards people, every one of several.
func report(w io.Writer, err error) {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			report(w, e)
		}
		return
	}
	var f *fault.Fault
	if !errors.As(err, &f) {
		_, _ = fmt.Fprintf(w, "server: %v\n", err)
		return
	}
	_, _ = fmt.Fprintf(w, "server: %s: %s\n", f.Code, f.Message)
	if f.Err != nil {
		_, _ = fmt.Fprintf(w, "  cause: %v\n", f.Err)
	}
	if f.Hint != "" {
		_, _ = fmt.Fprintf(w, "  hint:  %s\n", f.Hint)
	}
}

func usage(w io.Writer) {
	_, _ = fmt.Fprint(w, "usage: server COMMAND [flags]\n\n")
	for _, v := range verbs() {
		_, _ = fmt.Fprintf(w, "  %-18s %s\n", v.name, v.does)
	}
	_, _ = fmt.Fprint(w, `  worker             the vision worker; "serve" starts it
  version            what this program is
  help               this text

"server serve -help" lists the flags of a command.
exit codes: 0 done, 1 failed, 2 wrong use
`)
}

// flags makes the flag set of a command with the two flags that every one has.
func (p *program) flags(operands string) (fs *flag.FlagSet, data, db *string) {
	fs = flag.NewFlagSet(p.name, flag.ContinueOnError)
	fs.SetOutput(p.errs)
	fs.Usage = func() {
		_, _ = fmt.Fprintf(p.errs, "usage: server %s [flags] %s\n", p.name, operands)
		fs.PrintDefaults()
	}
	data = fs.String("data", os.Getenv("VESTIBULE_DATA"), "data directory (or $VESTIBULE_DATA)")
	db = fs.String("db", os.Getenv("VESTIBULE_DB"), "postgres://… URL (or $VESTIBULE_DB); empty: SQLite in the data directory")
	fs.Lookup("db").DefValue = "" // help must not show the password in it
	return fs, data, db
}

// parse reads the flags, which may stand before and after the operands, and says
// what is missing.
func (p *program) parse(fs *flag.FlagSet, args []string, required ...string) ([]string, error) {
	var operands []string
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, errUsage
		}
		args = fs.Args()
		if len(args) == 0 {
			break
		}
		operands, args = append(operands, args[0]), args[1:]
	}
	for _, name := range required {
		if f := fs.Lookup(name); f.Value.String() == "" {
			_, _ = fmt.Fprintf(p.errs, "server %s: -%s is missing\n", p.name, name)
			fs.Usage()
			return nil, errUsage
		}
	}
	return operands, nil
}

// release names this build.
func release() string { return wire.Release(debug.ReadBuildInfo()) }
