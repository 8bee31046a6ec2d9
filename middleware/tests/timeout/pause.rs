//! A paused call (L16): no timer fires, and each has its time again when the call goes on.

use std::task::Poll;

use belvedere_core::context::Context;
use belvedere_core::testing::Task;

use super::*;

const DAY: Duration = Duration::from_secs(86_400);
const PAUSES: [Duration; 5] = [SECOND, Duration::from_secs(59), Duration::from_secs(61), HOUR, DAY];

/// One call of one answer, to be paused.
struct Paused {
    simulation: Simulation,
    service: ScriptedService,
    stack: Stack,
    cx: Context,
}

impl Paused {
    fn new(timeout: Timeout, answer: Answer) -> Self {
        let simulation = Simulation::new(1);
        let service = ScriptedService::new([answer]);
        let cx = simulation.context();
        Paused { stack: wrap(timeout, &service), simulation, service, cx }
    }

    fn pause(&self) {
        self.cx.call.pause.pause(self.simulation.clock.now());
    }

    fn resume(&self) {
        self.cx.call.pause.resume(self.simulation.clock.now());
    }

    /// A pause. `task` waits before it, and is polled in it whenever it is woken, and every so often without.
    fn sit_through<T>(&self, pause: Duration, task: &mut Task<'_, T>) {
        self.pause();
        for part in [pause / 4, pause / 4, pause / 2] {
            assert!(task.poll().is_pending(), "polled in the pause");
            self.simulation.advance(part);
            assert!(self.simulation.poll(task).is_pending(), "woken in the pause");
        }
        self.resume();
        assert!(task.is_woken(), "it is told that the call goes on");
    }

    fn call(&self) -> Task<'_, belvedere_core::Result<Events>> {
        Task::new(self.stack.call(self.cx.clone(), Request::from("hi")))
    }

    /// The stream after this many events.
    fn stream(&self, taken: usize) -> Events {
        let mut events = self.simulation.run(self.call_now()).unwrap();
        for _ in 0..taken {
            assert!(self.simulation.run(events.next()).unwrap().is_ok());
        }
        events
    }

    async fn call_now(&self) -> belvedere_core::Result<Events> {
        self.stack.call(self.cx.clone(), Request::from("hi")).await
    }

    fn check_nothing_is_left(self) {
        assert_eq!(self.service.live(), 0);
        self.simulation.assert_idle();
    }
}

/// How long it takes on the clock until the waiting task is ready, and what it says.
fn time<T>(simulation: &Simulation, task: &mut Task<'_, T>) -> (Duration, T) {
    let began = simulation.clock.now();
    loop {
        if let Poll::Ready(value) = simulation.poll(task) {
            return (simulation.clock.now().since(began), value);
        }
        let deadline = simulation.clock.next_deadline().expect("somebody sleeps");
        simulation.clock.advance(deadline.since(simulation.clock.now()));
    }
}

fn phase(error: &Error) -> TimeoutPhase {
    match error.kind() {
        ErrorKind::Timeout(phase) => phase,
        kind => panic!("{kind:?}"),
    }
}

fn minute(phase: TimeoutPhase) -> Timeout {
    limits(|t| match phase {
        TimeoutPhase::FirstEvent => t.first_event = Some(60 * SECOND),
        TimeoutPhase::Idle => t.idle = Some(60 * SECOND),
        _ => t.total = Some(60 * SECOND),
    })
}

#[test]
fn l16_before_the_head_each_timer_has_its_remaining_time_after_any_pause() {
    for pause in PAUSES {
        for timer in [TimeoutPhase::FirstEvent, TimeoutPhase::Total] {
            let run = Paused::new(minute(timer), Answer::text("a").opening(Step::Stall));
            let mut call = run.call();
            assert!(run.simulation.poll(&mut call).is_pending());
            run.simulation.advance(20 * SECOND);
            run.sit_through(pause, &mut call);
            let (took, outcome) = time(&run.simulation, &mut call);
            assert_eq!((took, phase(&outcome.unwrap_err())), (40 * SECOND, timer), "after {pause:?}");
            drop(call);
            run.check_nothing_is_left();
        }
    }
}

#[test]
fn l16_in_the_stream_each_timer_has_its_remaining_time_after_any_pause() {
    let cases = [(1, TimeoutPhase::FirstEvent), (2, TimeoutPhase::Idle), (2, TimeoutPhase::Total)];
    for pause in PAUSES {
        for (taken, timer) in cases {
            let run = Paused::new(minute(timer), Answer::deltas(["a", "b"]).with(taken, Step::Stall));
            let mut events = run.stream(taken);
            let mut next = Task::new(events.next());
            assert!(run.simulation.poll(&mut next).is_pending());
            run.simulation.advance(20 * SECOND);
            run.sit_through(pause, &mut next);
            let (took, item) = time(&run.simulation, &mut next);
            assert_eq!((took, phase(&item.unwrap().unwrap_err())), (40 * SECOND, timer), "after {pause:?}");
            drop(next);
            drop(events);
            run.check_nothing_is_left();
        }
    }
}

#[test]
fn l16_a_pause_in_which_nobody_polls_is_not_counted_either() {
    for timer in [TimeoutPhase::FirstEvent, TimeoutPhase::Idle, TimeoutPhase::Total] {
        let taken = if timer == TimeoutPhase::FirstEvent { 1 } else { 2 };
        let run = Paused::new(minute(timer), Answer::deltas(["a", "b"]).with(taken, Step::Stall));
        let mut events = run.stream(taken);
        run.pause();
        run.simulation.advance(DAY);
        run.resume();
        let mut next = Task::new(events.next());
        let (took, item) = time(&run.simulation, &mut next);
        assert_eq!((took, phase(&item.unwrap().unwrap_err())), (60 * SECOND, timer));
        drop(next);
        drop(events);
        run.check_nothing_is_left();
    }
}

#[test]
fn l16_several_pauses_add_up() {
    let run = Paused::new(minute(TimeoutPhase::Idle), Answer::text("a").with(2, Step::Stall));
    let mut events = run.stream(2);
    let mut next = Task::new(events.next());
    for _ in 0..5 {
        assert!(run.simulation.poll(&mut next).is_pending());
        run.simulation.advance(10 * SECOND);
        run.sit_through(HOUR, &mut next);
    }
    let (took, item) = time(&run.simulation, &mut next);
    assert_eq!((took, phase(&item.unwrap().unwrap_err())), (10 * SECOND, TimeoutPhase::Idle));
}

#[test]
fn l16_an_upstream_that_is_alive_goes_on_after_any_pause() {
    let mut all = Timeout::default();
    all.total = Some(HOUR);
    for pause in PAUSES {
        for at in 1..=4 {
            let answer = Answer::deltas(["a", "b"]).with(at, Step::Wait(pause + SECOND));
            let run = Paused::new(all, answer);
            let mut events = run.stream(at);
            let mut next = Task::new(events.next());
            assert!(run.simulation.poll(&mut next).is_pending());
            run.sit_through(pause, &mut next);
            let (took, item) = time(&run.simulation, &mut next);
            assert!(item.unwrap().is_ok());
            assert_eq!(took, SECOND, "woken by the upstream, {pause:?} at {at}");
            drop(next);
            let (_, error, end) = run.simulation.run(read(events));
            assert_eq!((error.map(|e| e.to_string()), end), (None, Some(EndKind::Finished)));
            run.check_nothing_is_left();
        }
    }
}

#[test]
fn l16_an_upstream_that_died_in_the_pause_says_so_and_no_timer_does() {
    for pause in PAUSES {
        let reset = Step::Fail(Error::new(ErrorKind::Network, "the connection was reset"));
        let answer = Answer::deltas(["a", "b"]).with(2, reset).with(2, Step::Wait(pause / 2));
        let run = Paused::new(Timeout::default(), answer);
        let mut events = run.stream(2);
        let mut next = Task::new(events.next());
        assert!(run.simulation.poll(&mut next).is_pending());
        run.pause();
        run.simulation.advance(pause);
        run.resume();
        let (took, item) = time(&run.simulation, &mut next);
        assert_eq!((took, item.unwrap().unwrap_err().kind()), (Duration::ZERO, ErrorKind::Network));
        drop(next);
        assert_eq!(events.end(), Some(EndKind::Failed));
        run.check_nothing_is_left();
    }
}

#[test]
fn l16_an_upstream_that_sends_in_the_pause_is_read_and_its_silence_is_counted_from_the_resume() {
    // Who reads on in a pause, to fill a buffer, reads through the timers.
    let answer = (0..23).fold(Answer::deltas(["a"; 24]), |answer, n| {
        answer.with(2 + 2 * n, Step::Wait(HOUR)) // one word an hour
    });
    let run = Paused::new(limits(|t| (t.idle, t.total) = (Some(60 * SECOND), Some(HOUR))), answer);
    let mut events = run.stream(2);
    run.pause();
    for _ in 0..22 {
        let (took, item) = time(&run.simulation, &mut Task::new(events.next()));
        assert_eq!((took, item.unwrap().is_ok()), (HOUR, true));
    }
    run.simulation.advance(600 * SECOND);
    run.resume();
    let mut next = Task::new(events.next());
    let (took, item) = time(&run.simulation, &mut next);
    assert_eq!((took, phase(&item.unwrap().unwrap_err())), (60 * SECOND, TimeoutPhase::Idle));
}

#[test]
fn l16_connect_goes_on_in_a_pause() {
    let run = Paused::new(Timeout::default(), Answer::text("a").opening(Step::Stall));
    let mut call = run.call();
    run.pause();
    let (took, outcome) = time(&run.simulation, &mut call);
    assert_eq!((took, phase(&outcome.unwrap_err())), (10 * SECOND, TimeoutPhase::Connect));
    drop(call);
    run.check_nothing_is_left();
}

#[test]
fn l16_the_deadline_of_the_call_is_not_moved_by_a_pause() {
    let request = Request::from("hi").with_timeout(60 * SECOND);
    let simulation = Simulation::new(1);
    let service = ScriptedService::new([Answer::text("a").with(2, Step::Stall)]);
    let client = belvedere_core::client::Client::new(service, simulation.lent()).layer(Timeout::default());
    let mut events = simulation.run(client.stream(request)).unwrap();
    assert!(simulation.run(events.next()).unwrap().is_ok());
    simulation.advance(60 * SECOND);
    let (took, (_, error, _)) = time(&simulation, &mut Task::new(read(events)));
    assert_eq!((took, phase(&error.unwrap())), (Duration::ZERO, TimeoutPhase::Total));
}

#[test]
fn l16_a_stream_that_never_waits_is_not_ended_in_a_pause() {
    let run = Paused::new(minute(TimeoutPhase::Total), Answer::deltas(std::iter::repeat_n("a", 1000)));
    let mut events = run.stream(1);
    run.simulation.advance(60 * SECOND);
    run.pause();
    for _ in 0..500 {
        assert!(run.simulation.run(events.next()).unwrap().is_ok());
    }
    run.resume();
    let (seen, error, _) = run.simulation.run(read(events));
    assert!(seen.len() <= 32, "{}", seen.len());
    assert_eq!(phase(&error.unwrap()), TimeoutPhase::Total);
}
