//! Rules, the caller's word, and the cheaper model near a budget.

use belvedere_core::checkpoint::Checkpoint;
use belvedere_core::completion::Completion;
use belvedere_core::context::Call;
use belvedere_core::event::Notice;
use belvedere_core::layer::layer_fn;
use belvedere_core::request::Options;
use std::sync::Arc;

use super::*;

#[test]
fn it_behaves_as_every_layer() {
    belvedere_core::testing::suite::layer(Choose::default);
    belvedere_core::testing::suite::layer(|| {
        choose(json!({"rules": [{"complexity_threshold": 0.5, "preferred": "small", "fallback": "large"}]}))
    });
    belvedere_core::testing::suite::layer(|| {
        choose(json!({"experiment": {"name": "e", "arms": [{"model": "a"}, {"model": "b"}]}}))
    });
}

#[test]
fn below_the_threshold_the_preferred_model_is_asked_and_from_it_on_the_fallback() {
    let case = Case::answering(choose(json!({
        "rules": [{"complexity_threshold": 0.3, "preferred": "small", "fallback": "large"}]
    })));
    assert_eq!(case.asked(EASY).unwrap(), "small");
    assert_eq!(case.asked(HARD).unwrap(), "large");
    assert_eq!(case.ask(HARD).unwrap().notices, [], "who named no model is not told");
}

#[test]
fn the_first_rule_that_applies_says_it() {
    let case = Case::answering(choose(json!({
        "rules": [
            {"task": "code", "complexity_threshold": 0.6, "preferred": "small-coder", "fallback": "coder"},
            {"tags": {"plan": "free", "region": "eu"}, "preferred": "free-eu"},
            {"complexity_threshold": 0.3, "preferred": "small"},
            {"task": "translation", "preferred": "translator"},
        ]
    })));
    let asked = |text: &str, scope: Scope| case.asked(Request::from(text).with_scope(scope));
    let of = |model: &str| Some(model.to_owned());
    assert_eq!(asked(EASY, tags([("task", "code")])), of("small-coder"));
    assert_eq!(asked(HARD, tags([("plan", "free")])), None, "one of the two tags is missing");
    assert_eq!(asked(HARD, tags([("plan", "free"), ("region", "eu")])), of("free-eu"));
    assert_eq!(asked(EASY, tags([("task", "translation")])), of("small"), "an earlier rule applies");
    assert_eq!(
        asked(HARD, tags([("task", "translation")])),
        of("translator"),
        "it is too hard for the earlier rule"
    );
    assert_eq!(asked(HARD, Scope::default()), None, "the provider's own model answers");
}

#[test]
fn without_the_tag_a_request_is_of_the_task_it_looks_like() {
    let case = Case::answering(choose(json!({
        "rules": [{"task": "code", "preferred": "coder"}, {"task": "math", "preferred": "reasoner"}]
    })));
    let program = "Why does this panic?\n```rust\nlet a = [1, 2]; a[2];\n```";
    assert_eq!(case.asked(program).unwrap(), "coder");
    assert_eq!(case.asked("Solve x^2 + 3x = 10").unwrap(), "reasoner");
    assert_eq!(case.asked(EASY), None);
    let said = Request::from(program).with_scope(tags([("task", "support")]));
    assert_eq!(case.asked(said), None, "the caller's word holds");
}

#[test]
fn a_request_that_names_a_model_keeps_it_unless_it_is_overruled() {
    let document = |overrides: bool| {
        json!({
            "override": overrides,
            "rules": [{"preferred": "large"}],
            "near_budget": {"above": 0.8, "model": "nano"},
        })
    };
    let named = || Request::from(EASY).with_model("mine");
    let case = Case::answering(choose(document(false)));
    assert_eq!(case.asked(named()).unwrap(), "mine");
    let case = Case::answering(choose(document(true)));
    let answer = case.ask(named()).unwrap();
    assert_eq!(answer.notices, [Notice::Chosen { model: "large".into(), reason: "rules[0]".into() }]);
    assert_eq!(answer.attempts[0].model.as_deref(), Some("large"));
    let same = case.ask(Request::from(EASY).with_model("large")).unwrap();
    assert_eq!(same.notices, [], "nothing changed");
}

#[test]
fn near_a_budget_the_cheaper_model_is_asked_and_the_caller_is_told() {
    let simulation = Simulation::new(1);
    let service = ScriptedService::always(Answer::text("hello"));
    let choose = choose(json!({
        "rules": [{"preferred": "large"}],
        "experiment": {"name": "e", "arms": [{"model": "a"}, {"model": "b"}]},
        "near_budget": {"above": 0.8, "model": "nano"},
    }));
    let handle = choose.clone();
    let spent = layer_fn("budget", |cx, request: Request, next| async move {
        let used = request.user.as_deref().and_then(|used| used.parse().ok());
        used.into_iter().for_each(|used| cx.call.set_budget_used(used));
        next.call(cx, request).await
    });
    let client = Client::new(service.clone(), simulation.lent()).layer(spent).layer(choose);
    let ask = |used: &str| {
        let mut request = Request::from(EASY).with_scope(user("u"));
        request.user = Some(used.into());
        simulation.run(client.complete(request)).unwrap().notices
    };
    let told = Notice::Chosen { model: "nano".into(), reason: "85% of a budget is used".into() };
    assert_eq!((ask("0.79"), ask("0.85")), (vec![], vec![told]));
    let models: Vec<_> = service.requests().iter().map(|r| r.model.clone().unwrap()).collect();
    assert_ne!(models[0], "nano");
    assert_eq!(models[1], "nano");
    let calls: u64 = handle.report().unwrap().arms.iter().map(|arm| arm.calls).sum();
    assert_eq!(calls, 1, "a call near a budget is no part of the experiment");
}

#[test]
fn only_chats_are_chosen_for() {
    let case = Case::answering(choose(json!({"override": true, "rules": [{"preferred": "large"}]})));
    case.simulation.run(case.client.embed(["a text"])).unwrap();
    assert_eq!(case.service.requests()[0].model, None);
}

#[test]
fn an_answer_that_has_begun_goes_on_with_its_model() {
    let case = Case::answering(choose(json!({"rules": [{"preferred": "large"}]})));
    let lent = case.simulation.lent();
    let mut partial = Completion::of_text("The sky");
    partial.model = Some("small-2026".into());
    let mut call = Call::new(&lent, Options::default());
    call.resume = Some(Arc::new(Checkpoint::new(EASY.into(), partial, Vec::new())));
    let stack = belvedere_core::layer::Layer::layer(
        &choose(json!({"rules": [{"preferred": "large"}]})),
        case.service.clone().into(),
    );
    let cx = belvedere_core::context::Context::new(Arc::new(lent), Arc::new(call));
    case.simulation.run(async { stack.call(cx, EASY.into()).await?.collect().await }).unwrap();
    assert_eq!(case.service.requests()[0].model.as_deref(), Some("small-2026"));
}
