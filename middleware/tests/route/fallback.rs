//! Who is asked after whom, and when nobody is.

use belvedere_core::layer::layer_fn;
use belvedere_core::service::Stack;

use super::*;

fn two(first: Answer, second: Answer) -> (ScriptedService, ScriptedService) {
    (ScriptedService::new([first]), ScriptedService::new([second]))
}

#[test]
fn the_stack_inside_is_the_first_target_and_a_fallback_says_so() {
    let simulation = Simulation::new(1);
    let (main, backup) = two(failing(ErrorKind::Overloaded), Answer::text("b"));
    let heard = Heard::default();
    let route = Route::build(config(vec![target("backup", &backup)])).unwrap();
    let client = heard.by(Client::new(main, simulation.lent()).layer(route));
    let answer = complete(&simulation, &client).unwrap();
    assert_eq!(answer.text(), "b");
    assert_eq!(notices(&answer), ["primary -> backup: overloaded: no"]);
    assert_eq!(
        attempts(&answer),
        [("primary".into(), EndKind::Failed), ("backup".into(), EndKind::Finished)]
    );
    assert_eq!(heard.take(), ["primary -> backup: overloaded"]);
}

#[test]
fn a_call_knows_which_target_answers() {
    let simulation = Simulation::new(1);
    let (a, b) = two(failing(ErrorKind::Network), Answer::text("b"));
    let alone = Route::build(config(vec![target("alone", &ScriptedService::always(Answer::text("x")))]));
    for (route, expected) in [(Route::build(config(targets(&[a, b]))), "b"), (alone, "alone")] {
        let cx = simulation.context();
        let stack = belvedere_core::layer::Layer::layer(&route.unwrap(), Nowhere.into());
        simulation.run(stack.call(cx.clone(), "hi".into())).unwrap();
        assert_eq!(cx.call.answered_by().as_deref(), Some(expected));
    }
}

#[test]
fn by_default_what_another_target_may_answer_is_asked_there_and_nothing_else() {
    use ErrorKind::*;
    for kind in ErrorKind::ALL {
        let simulation = Simulation::new(1);
        let (a, b) = two(failing(kind), Answer::text("b"));
        let client = client_of(&simulation, config(targets(&[a, b.clone()])));
        let answer = complete(&simulation, &client);
        let stays = matches!(
            kind,
            InvalidRequest
                | ConfigInvalid
                | ContentFiltered
                | BudgetExceeded
                | Blocked
                | Cancelled
                | Unexpected
        );
        match stays {
            true => assert_eq!(answer.unwrap_err().kind(), kind),
            false => assert_eq!(answer.unwrap().text(), "b", "{kind}"),
        }
        assert_eq!(b.calls(), usize::from(!stays), "{kind}");
    }
}

#[test]
fn a_target_with_conditions_is_asked_after_those_errors_only() {
    use ErrorKind::*;
    for kind in ErrorKind::ALL {
        let simulation = Simulation::new(1);
        let (a, b) = two(failing(kind), Answer::text("b"));
        let conditions =
            [ContextTooLong, Timeout(belvedere_core::error::TimeoutPhase::Total), BudgetExceeded];
        let targets = vec![target("a", &a), when(target("b", &b), &conditions)];
        let client = client_of(&simulation, config(targets));
        let goes_on = matches!(kind, ContextTooLong | Timeout(_) | BudgetExceeded);
        assert_eq!(complete(&simulation, &client).is_ok(), goes_on, "{kind}");
        assert_eq!(b.calls(), usize::from(goes_on), "{kind}");
    }
}

#[test]
fn a_condition_is_about_the_last_error_and_one_that_did_not_hold_may_hold_later() {
    let simulation = Simulation::new(1);
    let heard = Heard::default();
    let a = ScriptedService::new([failing(ErrorKind::Overloaded)]);
    let b = ScriptedService::new([Answer::text("b")]);
    let c = ScriptedService::new([failing(ErrorKind::ContextTooLong)]);
    let targets = vec![target("a", &a), when(target("b", &b), &[ErrorKind::ContextTooLong]), target("c", &c)];
    let client = heard.by(client_of(&simulation, config(targets)));
    assert_eq!(text(&simulation, &client), "b");
    assert_eq!(heard.take(), ["a -> c: overloaded", "c -> b: context_too_long"]);
}

#[test]
fn a_target_with_conditions_is_never_asked_first_unless_all_have_some() {
    let simulation = Simulation::new(1);
    let (a, b) = two(Answer::text("a"), Answer::text("b"));
    let busy = [ErrorKind::Overloaded];
    let client = client_of(&simulation, config(vec![when(target("a", &a), &busy), target("b", &b)]));
    assert_eq!(text(&simulation, &client), "b");
    let client = client_of(&simulation, config(vec![when(target("a", &a), &busy)]));
    assert_eq!(text(&simulation, &client), "a");
}

#[test]
fn y2_the_last_error_is_returned_with_what_each_target_failed_with() {
    let simulation = Simulation::new(1);
    let (a, b) = two(failing(ErrorKind::RateLimited), failing(ErrorKind::ContextTooLong));
    let client = client_of(&simulation, config(targets(&[a, b])));
    let error = complete(&simulation, &client).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::ContextTooLong, 2));
    assert!(
        error.context().contains(&("targets", "a (rate limited: no), b (context too long: no)".into())),
        "{error}"
    );
    let kinds: Vec<_> = error.history().iter().map(|attempt| attempt.error).collect();
    assert_eq!(kinds, [Some(ErrorKind::RateLimited), Some(ErrorKind::ContextTooLong)]);
}

#[test]
fn w6_each_further_target_draws_on_the_budget_of_the_call() {
    for (attempts, expected) in [(1, [1, 0, 0]), (2, [1, 1, 0]), (3, [1, 1, 1]), (8, [1, 1, 1])] {
        let simulation = Simulation::new(1);
        let services = [(); 3].map(|()| ScriptedService::always(failing(ErrorKind::Overloaded)));
        let client = client_of(&simulation, config(targets(&services)));
        let options: Options = serde_json::from_value(serde_json::json!({ "attempts": attempts })).unwrap();
        let error = simulation.run(client.complete(Request::from("hi").with_options(options))).unwrap_err();
        assert_eq!(services.each_ref().map(ScriptedService::calls), expected, "{attempts}");
        assert_eq!(error.attempts() as usize, expected.iter().sum::<usize>());
    }
}

/// Whoever calls again outside of the route, with a request that this makes of the first.
fn again(change: fn(&mut Request)) -> impl belvedere_core::layer::Layer {
    layer_fn("again", move |cx: Context, mut request: Request, next: Stack| async move {
        match next.call(cx.clone(), request.clone()).await {
            Err(_) if cx.call.attempt_budget.draw() => {
                change(&mut request);
                next.call(cx, request).await
            }
            answer => answer,
        }
    })
}

#[test]
fn f7_a_target_that_refused_for_good_is_not_asked_again_in_the_call() {
    use ErrorKind::*;
    for kind in [Unauthorized, Forbidden, QuotaExhausted, ModelNotFound] {
        let simulation = Simulation::new(1);
        let refuses = ScriptedService::always(failing(kind));
        let busy = ScriptedService::new([failing(Overloaded), Answer::text("b")]);
        let route = Route::build(config(targets(&[refuses.clone(), busy.clone()]))).unwrap();
        let client = Client::new(Nowhere, simulation.lent()).layer(again(|_| {})).layer(route);
        assert_eq!(text(&simulation, &client), "b");
        assert_eq!((refuses.calls(), busy.calls()), (1, 2), "{kind}");
        // The next call is another one.
        busy.push(Answer::text("b"));
        assert_eq!(text(&simulation, &client), "b");
        assert_eq!((refuses.calls(), busy.calls()), (2, 3));
    }
}

#[test]
fn f7_a_refusal_that_is_about_the_request_does_not_hold_for_another_one() {
    type Change = fn(&mut Request);
    let changes: [(ErrorKind, Change); 2] = [
        (ErrorKind::ContextTooLong, |request| request.messages = Arc::default()),
        (ErrorKind::ModelNotFound, |request| request.model = Some("smaller".into())),
    ];
    for (kind, change) in changes {
        let simulation = Simulation::new(1);
        let main = ScriptedService::new([failing(kind), Answer::text("a")]);
        let busy = ScriptedService::always(failing(ErrorKind::Overloaded));
        let route = Route::build(config(targets(&[main, busy]))).unwrap();
        let client = Client::new(Nowhere, simulation.lent()).layer(again(change)).layer(route);
        assert_eq!(text(&simulation, &client), "a", "{kind}");
    }
}

#[test]
fn f8_an_error_in_the_stream_before_content_is_answered_elsewhere_and_after_it_never() {
    let broken = |at: usize| Answer::deltas(["a", "a"]).with(at, Step::Fail(failed(ErrorKind::Overloaded)));
    for (streamed, at) in [(true, 0), (true, 1), (false, 0), (false, 1)] {
        let simulation = Simulation::new(1);
        let (a, b) = two(broken(at), Answer::text("b"));
        let client = client_of(&simulation, config(targets(&[a.clone(), b])));
        let answer = simulation.run(async {
            match streamed {
                true => client.stream("hi").await?.collect().await,
                false => client.complete("hi").await,
            }
        });
        assert_eq!(answer.unwrap().text(), "b", "at {at}");
        assert_eq!((a.live(), a.dropped()), (0, 0));
    }
    for at in 2..=4 {
        let simulation = Simulation::new(1);
        let (a, b) = two(broken(at), Answer::text("b"));
        let client = client_of(&simulation, config(targets(&[a, b.clone()])));
        let error = complete(&simulation, &client).unwrap_err();
        assert_eq!((error.kind(), b.calls()), (ErrorKind::Overloaded, 0), "at {at}");
        assert!(error.partial().unwrap().text().starts_with('a'), "w2: what was handed out stands");
    }
}

#[test]
fn a_cut_before_content_is_answered_elsewhere() {
    let simulation = Simulation::new(1);
    let (a, b) = two(Answer::text("a").cut(1), Answer::text("b"));
    let answer = complete(&simulation, &client_of(&simulation, config(targets(&[a, b])))).unwrap();
    assert_eq!(answer.text(), "b");
    assert_eq!(attempts(&answer), [("a".into(), EndKind::Truncated), ("b".into(), EndKind::Finished)]);
}

#[test]
fn a_model_of_the_request_stays_with_its_provider() {
    let simulation = Simulation::new(1);
    let services = [(); 3].map(|()| ScriptedService::always(failing(ErrorKind::Overloaded)));
    let [a, b, c] = services.clone();
    let all = vec![
        Target::new(Of("openai", "gpt-5", a)),
        Target::new(Of("anthropic", "claude-haiku-4-5", b)),
        Target::new(Of("openai", "gpt-5-mini", c)),
    ];
    let names: Vec<_> = all.iter().map(|target| target.name.to_string()).collect();
    assert_eq!(names, ["openai/gpt-5", "anthropic/claude-haiku-4-5", "openai/gpt-5-mini"]);
    let client = client_of(&simulation, config(all));
    simulation.run(client.complete(Request::from("hi").with_model("gpt-6"))).unwrap_err();
    let models = services.each_ref().map(|service| service.requests()[0].model.clone());
    assert_eq!(models, [Some("gpt-6".into()), None, Some("gpt-6".into())]);
}

#[test]
fn a_checkpoint_goes_on_where_a_repair_layer_stands() {
    use belvedere_middleware::repair::Repair;

    let simulation = Simulation::new(1);
    let [a, b] = ["from a", "from b"].map(|text| ScriptedService::always(Answer::text(text)));
    let plain = client_of(&simulation, config(targets(&[a.clone(), b.clone()])));
    assert!(!plain.info().resumes);
    let mut all = targets(&[a.clone(), b.clone()]);
    all[1].pipeline.push(Arc::new(Repair::default()));
    let client = client_of(&simulation, config(all));
    assert!(client.info().resumes);
    let checkpoint =
        belvedere_core::checkpoint::Checkpoint::new("hi".into(), Completion::default(), Vec::new());
    let answer = simulation.run(async { client.resume(checkpoint).await.unwrap().collect().await });
    assert_eq!((answer.unwrap().text(), a.calls()), ("from b".into(), 0));
}
