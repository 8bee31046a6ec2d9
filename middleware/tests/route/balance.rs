//! Which target is asked first.

use belvedere_core::layer::Layer;
use belvedere_core::request::Scope;
use belvedere_core::service::Stack;

use super::*;

fn always(text: &str) -> ScriptedService {
    ScriptedService::always(Answer::text(text))
}

fn by(strategy: Strategy, targets: Vec<Target>) -> RouteConfig<Target> {
    let mut config = config(targets);
    config.strategy = strategy;
    config
}

#[test]
fn priority_asks_in_order() {
    let simulation = Simulation::new(1);
    let services = ["a", "b", "c"].map(always);
    let client = client_of(&simulation, config(targets(&services)));
    (0..10).for_each(|_| assert_eq!(text(&simulation, &client), "a"));
}

#[test]
fn weighted_draws_shares_and_a_weight_of_0_is_a_fallback() {
    let simulation = Simulation::new(1);
    let services = ["a", "b", "c"].map(always);
    let mut all = targets(&services);
    (all[0].weight, all[1].weight, all[2].weight) = (3, 1, 0);
    let client = client_of(&simulation, by(Strategy::Weighted, all));
    (0..4000).for_each(|_| drop(text(&simulation, &client)));
    let [a, b, c] = services.each_ref().map(ScriptedService::calls);
    assert_eq!((a + b, c), (4000, 0));
    assert!((2900..3100).contains(&a), "{a} of 4000 at three quarters");
}

#[test]
fn weighted_falls_back_in_the_order_listed() {
    let simulation = Simulation::new(1);
    let services = [(); 3].map(|()| ScriptedService::always(failing(ErrorKind::Network)));
    let mut all = targets(&services);
    (all[0].weight, all[1].weight, all[2].weight) = (0, 0, 1);
    let heard = Heard::default();
    let client = heard.by(client_of(&simulation, by(Strategy::Weighted, all)));
    complete(&simulation, &client).unwrap_err();
    assert_eq!(heard.take(), ["c -> a: network", "a -> b: network"]);
}

#[test]
fn least_latency_finds_the_quick_one_and_tries_the_others_again_in_time() {
    let simulation = Simulation::new(1);
    let services = [2000, 50, 2000].map(|millis| ScriptedService::always(after(MILLI * millis, "x")));
    let client = client_of(&simulation, by(Strategy::LeastLatency, targets(&services)));
    (0..300).for_each(|_| drop(text(&simulation, &client)));
    let calls = services.each_ref().map(ScriptedService::calls);
    // Two choices of three never leave the quickest out more often than in one of three.
    assert!(calls[1] > 170, "{calls:?}");
    assert!(calls[0] > 3 && calls[2] > 3, "{calls:?}");
}

#[test]
fn least_latency_counts_the_calls_under_way_and_forgets_those_that_ended() {
    let simulation = Simulation::new(1);
    let services = [(); 2].map(|()| ScriptedService::always(Answer::deltas(["x", "y"])));
    let client = client_of(&simulation, by(Strategy::LeastLatency, targets(&services)));
    let open: Vec<Events> = (0..20)
        .map(|_| {
            simulation.clock.advance(MILLI);
            simulation.run(client.stream("hi")).unwrap()
        })
        .collect();
    let live = services.each_ref().map(ScriptedService::live);
    assert_eq!(live, [10, 10], "as many here as there");
    drop(open);
    let again: Vec<Events> = (0..20).map(|_| simulation.run(client.stream("hi")).unwrap()).collect();
    assert_eq!(services.each_ref().map(ScriptedService::live), [10, 10]);
    drop(again);
}

#[test]
fn least_latency_does_not_take_a_quick_failure_for_quickness() {
    let simulation = Simulation::new(1);
    let broken = ScriptedService::always(failing(ErrorKind::Overloaded));
    let slow = ScriptedService::always(after(SECOND, "b"));
    let client = client_of(&simulation, by(Strategy::LeastLatency, targets(&[broken.clone(), slow])));
    (0..50).for_each(|_| assert_eq!(text(&simulation, &client), "b"));
    assert!(broken.calls() < 10, "{}", broken.calls());
}

/// Says how many tokens a request has.
#[derive(Debug)]
struct Counting(u64);

impl Layer for Counting {
    fn layer(&self, inner: Stack) -> Stack {
        Stack::new(Counted(self.0, inner))
    }
}

#[derive(Debug)]
struct Counted(u64, Stack);

#[async_trait]
impl Service for Counted {
    fn info(&self) -> Info {
        self.1.info()
    }

    async fn call(&self, cx: Context, request: Request) -> Result<Events> {
        cx.call.set_input_tokens(self.0);
        self.1.call(cx, request).await
    }
}

#[test]
fn cost_asks_the_cheapest_for_this_request_and_the_unknown_last() {
    let prices = r#"{
        "writes-cheap": {"input": "10", "output": "1"},
        "reads-cheap": {"input": "1", "output": "10"},
        "openai/at-openai": {"input": "0.1", "output": "0.1"}
    }"#;
    let of = |provider, model| {
        let service = always(model);
        Target::new(Of(provider, model, service))
    };
    let simulation = Simulation::new(1);
    let priced = |targets: Vec<Target>| {
        let mut config = by(Strategy::Cost, targets);
        config.prices = serde_json::from_str(prices).unwrap();
        config
    };
    let client = |targets| client_of(&simulation, priced(targets));
    let three = || vec![of("x", "of-no-price"), of("x", "writes-cheap"), of("x", "reads-cheap")];
    let counting = Client::new(Nowhere, simulation.lent()).layer(Counting(100_000));
    let counting = counting.layer(Route::build(priced(three())).unwrap());
    let three = client(three());
    let ask = |request: Request| simulation.run(three.complete(request)).unwrap().text();
    // The prompt is one token; a text without a bound is taken to be 500 long.
    assert_eq!(ask("hi".into()), "writes-cheap");
    assert_eq!(ask(Request::from("long ".repeat(1000)).with_max_tokens(10)), "reads-cheap");
    let counted = simulation.run(counting.complete("hi")).unwrap();
    assert_eq!(counted.text(), "reads-cheap", "by what somebody counted");
    let four = client(vec![of("x", "writes-cheap"), of("x", "at-openai"), of("openai", "at-openai")]);
    let cheapest = simulation.run(four.complete("hi")).unwrap();
    assert_eq!(
        cheapest.attempts[0].target.as_deref(),
        Some("openai/at-openai"),
        "a price may be of one provider"
    );
    let unknown = client(vec![of("x", "a"), of("x", "b")]);
    assert_eq!(simulation.run(unknown.complete("hi")).unwrap().text(), "a", "as listed");
}

fn of_session(name: &str) -> Request {
    let mut scope = Scope::default();
    scope.session = Some(name.into());
    let mut options = Options::default();
    options.scope = scope;
    Request::from("hi").with_options(options)
}

fn sticky(names: &[&'static str], weights: &[u32]) -> RouteConfig<Target> {
    let all = names.iter().zip(weights).map(|(name, weight)| {
        let mut target = target(name, &always(name));
        target.weight = *weight;
        target
    });
    let mut config = by(Strategy::Weighted, all.collect());
    config.sticky = Some(Sticky::Session);
    config
}

fn homes(simulation: &Simulation, client: &Client) -> Vec<String> {
    let home = |i| simulation.run(client.complete(of_session(&format!("session {i}")))).unwrap().text();
    (0..300).map(home).collect()
}

#[test]
fn a_session_stays_with_its_target_and_few_move_when_one_comes_or_goes() {
    let simulation = Simulation::new(1);
    let three = client_of(&simulation, sticky(&["a", "b", "c"], &[1, 1, 1]));
    let before = homes(&simulation, &three);
    assert_eq!(homes(&simulation, &three), before);
    for name in ["a", "b", "c"] {
        let count = before.iter().filter(|home| *home == name).count();
        assert!((75..125).contains(&count), "{count} of 300 at {name}");
    }
    // Another client, in another process or another order, sends them to the same targets.
    let other = client_of(&simulation, sticky(&["c", "a", "b"], &[1, 1, 1]));
    assert_eq!(homes(&simulation, &other), before);
    // Without b only its sessions move.
    let two = homes(&simulation, &client_of(&simulation, sticky(&["a", "c"], &[1, 1])));
    assert!(before.iter().zip(&two).all(|(before, after)| before == "b" || before == after));
    let weighted = homes(&simulation, &client_of(&simulation, sticky(&["a", "b"], &[3, 1])));
    let count = weighted.iter().filter(|home| *home == "a").count();
    assert!((200..250).contains(&count), "{count} of 300 at three quarters");
}

#[test]
fn a_session_whose_target_fails_goes_on_elsewhere_and_comes_back() {
    let simulation = Simulation::new(1);
    let services = [(); 2].map(|()| ScriptedService::default());
    let mut config = by(Strategy::Weighted, targets(&services));
    config.sticky = Some(Sticky::Session);
    let client = client_of(&simulation, config);
    let ask = |answers: [Answer; 2]| {
        services.iter().zip(answers).for_each(|(service, answer)| service.push(answer));
        simulation.run(client.complete(of_session("s"))).unwrap()
    };
    let home = ask([Answer::text("a"), Answer::text("b")]).text();
    let (at, other) = if home == "a" { (0, 1) } else { (1, 0) };
    // One answer of the other is left from before.
    services[at].push(failing(ErrorKind::Overloaded));
    let answer = simulation.run(client.complete(of_session("s"))).unwrap();
    assert_eq!(answer.text(), ["a", "b"][other]);
    services[at].push(Answer::text("home"));
    assert_eq!(simulation.run(client.complete(of_session("s"))).unwrap().text(), "home");
}
