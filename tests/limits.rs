//! Limits: the same arithmetic in the process and in Redis, and no harm when Redis goes away.

use std::{
    cell::{Cell, RefCell},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use event_analytics::{
    config::Secret,
    limiter::{Limiter, Quota, gcra},
    shared::Shared,
};
use proptest::prelude::*;
use serde_json::json;

use crate::support::{
    app::{Store, TestApp},
    redis::{self as support, Redis},
};

const MINUTE: Duration = Duration::from_secs(60);

/// Far less than hundreds of calls would take, if each waited for a Redis that is away.
const WAITING: Duration = Duration::from_secs(5);

fn quota(permits: u32, period: Duration) -> Quota {
    Quota { permits, period }
}

fn shared(url: &str) -> Option<Shared> {
    Some(Shared::connect(&Secret::new(url)).unwrap())
}

/// How many of `asked` single permits `limiter` grants for `key`.
async fn granted(limiter: &Limiter, key: &str, quota: Quota, asked: u32) -> u32 {
    let mut granted = 0;
    for _ in 0..asked {
        granted += u32::from(limiter.check(key, quota, 1).await.allowed);
    }
    granted
}

#[test]
fn redis_and_governor_agree() {
    let redis = redis::Client::open(support::database()).unwrap().get_connection().unwrap();
    let (redis, script) = (RefCell::new(redis), redis::Script::new(gcra::SCRIPT));
    let steps = prop::collection::vec((0_u64..40_000_000, 0_u32..30), 1..40);
    // Redis forgets a debt by its own clock, so every permit costs more than a case takes.
    let cases = (1_u32..25, 25_000_000_u64..100_000_000, steps);
    let key = Cell::new(0);
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |((permits, micros, steps) in cases)| {
        let quota = quota(permits, Duration::from_micros(micros));
        let (mut now, paid_at) = (4_000_000_000_000_000_u64, AtomicU64::new(0));
        key.set(key.get() + 1);
        for (pause, cost) in steps {
            now += pause;
            let (price, most) = (quota.cost(cost), quota.cost(permits));
            let governor = gcra::take(&paid_at, now, quota, cost);
            let mut call = script.key(format!("agree:{}", key.get()));
            let lua: (bool, u64) = call.arg(price).arg(most).arg(now).invoke(&mut *redis.borrow_mut()).unwrap();
            prop_assert_eq!(lua, governor);
            let told = quota.decision(cost, governor);
            prop_assert!(told.remaining <= permits);
            prop_assert_eq!(told.retry_after.is_zero(), told.allowed);
        }
    });
}

proptest! {
    /// Over any stretch of time nobody gets more than the burst and what time has paid for, and
    /// whoever waits as told gets in.
    #[test]
    fn nobody_gets_more_than_the_quota(
        permits in 1_u32..50,
        steps in prop::collection::vec((0_u64..3_000_000, 1_u32..60), 1..200),
    ) {
        let quota = quota(permits, MINUTE);
        let most = quota.cost(permits);
        let (mut now, paid_at, mut taken) = (0, AtomicU64::new(0), 0);
        for (pause, cost) in steps {
            now += pause;
            let result = gcra::take(&paid_at, now, quota, cost);
            let told = quota.decision(cost, result);
            if result.0 {
                taken += quota.cost(cost);
            } else if cost <= permits {
                let later = now + u64::try_from(told.retry_after.as_micros()).unwrap();
                let copy = AtomicU64::new(paid_at.load(Ordering::Relaxed));
                prop_assert!(!gcra::take(&copy, later - 1, quota, cost).0);
                prop_assert!(gcra::take(&copy, later, quota, cost).0);
            }
            prop_assert!(taken <= most + now);
        }
    }
}

#[tokio::test]
async fn permits_are_counted_told_and_paid_back() {
    for url in [None, Some(support::database())] {
        let limiter = Limiter::new(url.as_deref().and_then(shared));
        let brief = quota(5, Duration::from_millis(2_500));
        let first = limiter.check("a", brief, 2).await;
        assert!(first.allowed && first.limit == 5 && first.remaining == 3, "{first:?}");
        assert!(first.retry_after.is_zero() && first.reset_after <= Duration::from_secs(1), "{first:?}");
        let refused = limiter.check("a", brief, 4).await;
        assert!(!refused.allowed && refused.remaining >= 3, "none is taken by halves: {refused:?}");
        assert!(refused.retry_after <= Duration::from_millis(500), "{refused:?}");
        assert_eq!(granted(&limiter, "b", brief, 5).await, 5, "keys do not share");
        tokio::time::sleep(refused.retry_after).await;
        assert!(limiter.check("a", brief, 4).await.allowed, "as told");
    }
}

#[tokio::test]
async fn odd_costs_are_refused_for_good_and_never_panic() {
    for url in [None, Some(support::database())] {
        let limiter = Limiter::new(url.as_deref().and_then(shared));
        for (cost, permits, period) in [
            (6, 5, MINUTE),
            (u32::MAX, 5, MINUTE),
            (1, 0, MINUTE),
            (u32::MAX, 1, Duration::MAX),
            (2, 1, Duration::ZERO),
        ] {
            let told = limiter.check("odd", quota(permits, period), cost).await;
            assert!(!told.allowed, "{cost} of {permits} in {period:?}: {told:?}");
        }
        let free = limiter.check("odd", quota(5, MINUTE), 0).await;
        assert!(free.allowed && free.remaining == 5, "{free:?}");
        assert!(limiter.check("odd", quota(u32::MAX, MINUTE), 1).await.allowed);
        let year = Duration::from_secs(365 * 24 * 3600);
        assert!(limiter.check("rare", quota(1, year), 1).await.allowed);
        let told = limiter.check("rare", quota(1, year), 1).await;
        assert!(!told.allowed && told.retry_after > year - MINUTE, "no period is cut short: {told:?}");
        assert!(limiter.check("rarest", quota(1, Duration::MAX), 1).await.allowed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_get_what_one_after_another_would() {
    for url in [None, Some(support::database())] {
        let limiters = [0, 1].map(|_| Limiter::new(url.as_deref().and_then(shared)));
        let instances = if url.is_some() { 2 } else { 1 };
        let tasks = (0..8).map(|task| {
            let limiter = limiters[task % instances].clone();
            tokio::spawn(async move { granted(&limiter, "all", quota(100, Duration::from_secs(3600)), 20).await })
        });
        let all: u32 = futures::future::join_all(tasks).await.into_iter().map(|task| task.unwrap()).sum();
        assert_eq!(all, 100, "with redis: {}", url.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_it_goes_on_alone_and_at_once() {
    let mut redis = Redis::start();
    let link = shared(&redis.url()).unwrap();
    let limiter = Limiter::new(Some(link.clone()));
    let other = Limiter::new(shared(&redis.url()));
    let hour = quota(10, Duration::from_secs(3600));
    assert_eq!(granted(&limiter, "a", hour, 4).await, 4);

    redis.stop();
    let start = Instant::now();
    assert_eq!(granted(&limiter, "a", hour, 20).await, 6, "what was taken before is not forgotten");
    assert_eq!(granted(&limiter, "b", hour, 400).await, 10);
    assert!(start.elapsed() < WAITING, "{:?}", start.elapsed());

    redis.restart();
    while !link.ping().await {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(granted(&limiter, "d", hour, 6).await, 6);
    assert_eq!(granted(&other, "d", hour, 20).await, 4, "shared again");

    redis.pause();
    let start = Instant::now();
    assert_eq!(granted(&limiter, "e", hour, 400).await, 10);
    assert!(start.elapsed() < WAITING, "one call may wait, not all: {:?}", start.elapsed());
    redis.resume();
}

#[tokio::test]
async fn a_redis_that_never_was_costs_nothing() {
    let limiter = Limiter::new(shared("redis://127.0.0.1:1"));
    let start = Instant::now();
    assert_eq!(granted(&limiter, "a", quota(10, MINUTE), 200).await, 10);
    assert!(start.elapsed() < WAITING, "{:?}", start.elapsed());
}

both_stores! {
    async fn a_key_and_a_user_are_refused_beyond_their_rate_and_told_when_to_return(store: Store) {
        let rates = [("RATE_LIMIT_INGEST_PER_MINUTE", "5"), ("RATE_LIMIT_ANALYTICS_PER_MINUTE", "20")];
        let server = TestApp::with(store, &rates).await;
        let site = server.site().await;
        for left in (0..5).rev() {
            let reply = site.post(json!({"event_type": "click"})).await;
            assert_eq!(reply.header("ratelimit-limit"), "5");
            assert_eq!(reply.header("ratelimit-remaining"), left.to_string());
            reply.ok();
        }
        let refused = site.post(json!({"event_type": "click"})).await;
        let wait: u64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=12).contains(&wait), "{wait}");
        assert_eq!(refused.refused(429), "RATE_LIMITED");

        let mut answers = Vec::new();
        for _ in 0..25 {
            answers.push(site.owner.graphql("{ viewer { email } }", json!({})).await);
        }
        let refused = answers.last().unwrap();
        assert_eq!((refused.status.as_u16(), refused.error_code()), (429, "RATE_LIMITED"));
        let other = server.user("bob").await;
        other.graphql("{ viewer { email } }", json!({})).await.data();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_fails_while_redis_is_away() {
    let mut redis = Redis::start();
    let server = TestApp::with(Store::Postgres, &[("REDIS_URL", &redis.url())]).await;
    let site = server.site().await;
    let mut sent = 0;
    let mut work = async |times: u32| {
        for _ in 0..times {
            site.post(json!({"event_type": "click"})).await.ok();
            sent += 1;
            let overview = site.ask("summary(range: {preset: LAST_7_DAYS}) { events }").await;
            assert_eq!(overview["summary"]["events"], sent, "never stale");
        }
    };
    work(3).await;
    redis.pause();
    work(20).await;
    redis.resume();
    work(3).await;
    redis.stop();
    work(20).await;
    redis.restart();
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    work(5).await;
}
