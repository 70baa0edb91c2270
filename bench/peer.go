// SPDX-License-Identifier: MIT

// Go's os/exec beside the contenders in C: the command line and the JSON line of bench/measure.c.
//
//	peer-go go -t DIRECTORY [-n TIMES] [-c CPU] [-m MIB] [-d COUNT:FROM] JOB [NUMBER]...
//
// Every status and byte is checked here too.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

const (
	codes      = 251
	startsTurn = 20
	dupCloexec = 1030 // F_DUPFD_CLOEXEC
	noHugePage = 15   // MADV_NOHUGEPAGE
)

var (
	tiny  string
	times int
	held  []byte
)

func fail(what ...any) {
	fmt.Fprintln(os.Stderr, append([]any{"bench:"}, what...)...)
	os.Exit(99)
}

func must(err error) {
	if err != nil {
		fail(err)
	}
}

// CLOCK_MONOTONIC, the clock that the children know.
func now() int64 {
	var spec syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&spec)), 0)
	return spec.Nano()
}

// ---- the host ----

func raiseLimit() {
	var limit syscall.Rlimit
	must(syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	limit.Cur = limit.Max
	must(syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
}

// The runtime has threads already: only a new image has all of them on one processor.
func pin(cpu int) {
	if cpu < 0 || os.Getenv("BENCH_PINNED") != "" {
		return
	}
	var mask [128]byte
	mask[cpu/8] = 1 << (cpu % 8)
	if _, _, e := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, uintptr(len(mask)), uintptr(unsafe.Pointer(&mask))); e != 0 {
		fail("sched_setaffinity", e)
	}
	must(syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), "BENCH_PINNED=1")))
}

func touch(mib int) {
	if mib == 0 {
		return
	}
	memory, err := syscall.Mmap(-1, 0, mib<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	must(err)
	must(syscall.Madvise(memory, noHugePage))
	for at := 0; at < len(memory); at += 4096 {
		memory[at] = 1
	}
	held = memory
}

func openDescriptors(countFrom string) {
	if countFrom == "" {
		return
	}
	count, from, _ := strings.Cut(countFrom, ":")
	null, err := syscall.Open("/dev/null", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	must(err)
	for i := 0; i < atoi(count); i++ {
		if _, _, e := syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(null), dupCloexec, uintptr(atoi(from))); e != 0 {
			fail("F_DUPFD_CLOEXEC", e)
		}
	}
	syscall.Close(null)
}

func atoi(text string) int {
	number, err := strconv.Atoi(text)
	must(err)
	return number
}

func statusBytes(field string) int {
	text, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(text), "\n") {
		if words := strings.Fields(line); len(words) > 1 && words[0] == field+":" {
			return atoi(words[1]) * 1024
		}
	}
	return 0
}

func descriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	must(err)
	return len(entries)
}

// ---- checks ----

var pattern = func() []byte {
	block := make([]byte, 65536)
	for i := range block {
		block[i] = byte(i*7 + i>>8)
	}
	return block
}()

func check(output []byte, size int) {
	if len(output) != size {
		fail(len(output), "bytes instead of", size)
	}
	for at := 0; at < size; at += len(pattern) {
		piece := output[at:min(at+len(pattern), size)]
		if !bytes.Equal(piece, pattern[:len(piece)]) {
			fail("a wrong byte")
		}
	}
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

func code(err error) int {
	var end *exec.ExitError
	if errors.As(err, &end) {
		return end.ExitCode()
	}
	must(err)
	return 0
}

// ---- the jobs ----

func child(name string, words ...string) *exec.Cmd {
	cmd := exec.Command(tiny+"/"+name, words...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd
}

func timed(one func() func()) []float64 {
	us := make([]float64, 0, times)
	for i := 0; i < times; i++ {
		begin := now()
		verify := one()
		us = append(us, float64(now()-begin)/1e3)
		if verify != nil {
			verify()
		}
	}
	return us
}

func capture(cmd *exec.Cmd, size int) func() {
	cmd.Stdout = nil
	output, err := cmd.Output()
	must(err)
	return func() { check(output, size) }
}

func chain(size, stages int) func() {
	if stages == 0 {
		stages = 3
	}
	line := []*exec.Cmd{child("gen", strconv.Itoa(size))}
	for i := 1; i < stages; i++ {
		name := "cat"
		if i+1 == stages {
			name = "sink"
		}
		line = append(line, child(name))
	}
	var between []*os.File
	for i := 1; i < stages; i++ {
		r, w, err := os.Pipe()
		must(err)
		line[i-1].Stdout, line[i].Stdin = w, r
		between = append(between, r, w)
	}
	var output bytes.Buffer
	line[stages-1].Stdout = &output
	for _, cmd := range line {
		must(cmd.Start())
	}
	for _, file := range between {
		file.Close()
	}
	for _, cmd := range line {
		must(cmd.Wait())
	}
	return func() {
		if output.String() != strconv.Itoa(size)+"\n" {
			fail("the sink counted something else")
		}
	}
}

func overshoot(ms int, run bool) float64 {
	limit := time.Duration(ms) * time.Millisecond
	begin := now()
	stop, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(stop, tiny+"/sleep", "30000")
	if cmd.Run() == nil {
		fail("it ended")
	}
	return float64(now()-begin-limit.Nanoseconds()) / 1e3
}

func notice(i int) float64 {
	due := now() + 30000000 + int64(i)*1700000%20000000
	if code(child("sleep", "abs", fmt.Sprint(due), "7").Run()) != 7 {
		fail("the child's status")
	}
	return float64(now()-due) / 1e3
}

func many(count, lead int) ([]float64, string) {
	held, before := descriptors(), statusBytes("RssAnon")
	begin := now()
	due := begin + int64(lead)*1000000
	children := make([]*exec.Cmd, count)
	for i := range children {
		children[i] = child("sleep", "abs", fmt.Sprint(due), fmt.Sprint(i%codes))
		must(children[i].Start())
	}
	started := now()
	memory, fds := statusBytes("RssAnon")-before, descriptors()-held
	for i, cmd := range children {
		if code(cmd.Wait()) != i%codes {
			fail("a code")
		}
	}
	reaped := now()
	late, start, reap := 0, float64(started-begin)/1e6, float64(reaped-due)/1e6
	if started > due {
		late = 1
	}
	return []float64{start * 1e3 / float64(count)}, fmt.Sprintf(
		`,"late":%d,"start_ms":%.3f,"reap_ms":%.3f,"work_ms":%.3f,"reap_us_each":%.3f,"descriptors_each":%.4f,"memory_each":%.1f`,
		late, start, reap, start+reap, reap*1e3/float64(count), float64(fds)/float64(count), float64(memory)/float64(count))
}

// So many goroutines, each of which runs its part one after another.
func crew(width int, each func(worker int)) {
	var all sync.WaitGroup
	for i := 0; i < width; i++ {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			each(i)
		}(i)
	}
	all.Wait()
}

func bounded(count, width int) {
	jobs := make(chan int, count)
	for i := 0; i < count; i++ {
		jobs <- i
	}
	close(jobs)
	crew(width, func(int) {
		for range jobs {
			must(child("true").Run())
		}
	})
}

func threads(count int) []float64 {
	us := make([]float64, times)
	for turn := range us {
		begin := now()
		crew(count, func(int) {
			for i := 0; i < startsTurn; i++ {
				must(child("true").Run())
			}
		})
		us[turn] = float64(now()-begin) / 1e3 / float64(count*startsTurn)
	}
	return us
}

func each(one func(i int) float64) []float64 {
	us := make([]float64, times)
	for i := range us {
		us[i] = one(i)
	}
	return us
}

func measure(job string, number [2]int) ([]float64, string) {
	size := number[0]
	switch job {
	case "spawn":
		return timed(func() func() { must(child("true").Run()); return nil }), ""
	case "redirected":
		return timed(func() func() {
			cmd := child("gen", "1")
			cmd.Stdin = nil
			return capture(cmd, 1)
		}), ""
	case "capture":
		return timed(func() func() { return capture(child("gen", strconv.Itoa(size)), size) }), ""
	case "feed":
		input := bytes.Repeat(pattern, size/len(pattern)+1)[:size]
		return timed(func() func() {
			cmd := child("cat")
			cmd.Stdin = bytes.NewReader(input)
			return capture(cmd, size)
		}), ""
	case "chain":
		return timed(func() func() { return chain(size, number[1]) }), ""
	case "overshoot-wait", "overshoot-run":
		return each(func(int) float64 { return overshoot(size, job == "overshoot-run") }), ""
	case "notice":
		return each(notice), ""
	case "many":
		return many(number[0], number[1])
	case "bounded":
		us := timed(func() func() { bounded(number[0], number[1]); return nil })
		sort.Float64s(us)
		return us, fmt.Sprintf(`,"us_each":%.3f`, us[len(us)/2]/float64(number[0]))
	case "threads":
		return threads(number[0]), ""
	}
	fail("no job", job)
	return nil, ""
}

func main() {
	if len(os.Args) < 2 {
		fail("a contender is missing")
	}
	options := flag.NewFlagSet("peer-go", flag.ExitOnError)
	cpu, mib, fds := options.Int("c", -1, ""), options.Int("m", 0, ""), options.String("d", "", "")
	options.StringVar(&tiny, "t", "", "")
	options.IntVar(&times, "n", 1, "")
	must(options.Parse(os.Args[2:]))
	pin(*cpu)
	raiseLimit()
	touch(*mib)
	openDescriptors(*fds)
	if code(child("exit", "7").Run()) != 7 {
		fail("exit 7 did not come back as 7")
	}
	job, number := options.Arg(0), [2]int{}
	for i := 1; i < options.NArg() && i <= 2; i++ {
		number[i-1] = atoi(options.Arg(i))
	}
	us, extra := measure(job, number)
	sort.Float64s(us)
	sum := 0.0
	for _, each := range us {
		sum += each
	}
	n := len(us)
	fmt.Printf("{\"contender\":%q,\"job\":%q,\"times\":%d,\"mean_us\":%.3f,\"min_us\":%.3f,\"p50_us\":%.3f,\"p99_us\":%.3f,\"max_us\":%.3f%s}\n",
		os.Args[1], job, n, sum/float64(n), us[0], us[n/2], us[n*99/100], us[n-1], extra)
}
