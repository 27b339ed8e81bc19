//! Limits: the same arithmetic in the process and in Redis, and no harm when Redis goes away.

use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant},
};

use event_analytics::{
    config::Secret,
    limiter::{Limiter, Quota, gcra},
    shared::Shared,
};
use proptest::prelude::*;

use crate::support::redis::{self as support, Redis};

const MINUTE: Duration = Duration::from_secs(60);

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
fn lua_and_rust_agree() {
    let redis = redis::Client::open(support::database()).unwrap().get_connection().unwrap();
    let (redis, script) = (RefCell::new(redis), redis::Script::new(gcra::SCRIPT));
    let steps = prop::collection::vec((0_i64..40_000_000, 0_u32..30), 1..40);
    // Redis forgets a debt by its own clock, so every permit costs more than a case takes.
    let cases = (1_u32..25, 25_000_000_u64..100_000_000, steps);
    let key = Cell::new(0);
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |((permits, micros, steps) in cases)| {
        let quota = quota(permits, Duration::from_micros(micros));
        let (mut now, mut paid_at) = (4_000_000_000_000_000_i64, 0);
        key.set(key.get() + 1);
        for (pause, cost) in steps {
            now += pause;
            let (price, most) = (quota.cost(cost), quota.cost(permits));
            let rust = gcra::take(paid_at, now, price, most);
            if rust.0 {
                paid_at = now + rust.1;
            }
            let mut call = script.key(format!("agree:{}", key.get()));
            let lua: (bool, i64) = call.arg(price).arg(most).arg(now).invoke(&mut *redis.borrow_mut()).unwrap();
            prop_assert_eq!(lua, rust);
            let told = quota.decision(cost, rust);
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
        steps in prop::collection::vec((0_i64..3_000_000, 1_u32..60), 1..200),
    ) {
        let quota = quota(permits, MINUTE);
        let most = quota.cost(permits);
        let (mut now, mut paid_at, mut taken) = (0, 0, 0_i64);
        for (pause, cost) in steps {
            now += pause;
            let result = gcra::take(paid_at, now, quota.cost(cost), most);
            let told = quota.decision(cost, result);
            if result.0 {
                paid_at = now + result.1;
                taken += quota.cost(cost);
            } else if cost <= permits {
                let later = now + i64::try_from(told.retry_after.as_micros()).unwrap();
                prop_assert!(gcra::take(paid_at, later, quota.cost(cost), most).0);
                prop_assert!(!gcra::take(paid_at, later - 1, quota.cost(cost), most).0);
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
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_get_what_one_after_another_would() {
    for url in [None, Some(support::database())] {
        let limiters = [0, 1].map(|_| Limiter::new(url.as_deref().and_then(shared)));
        let instances = if url.is_some() { 2 } else { 1 };
        let tasks = (0..16).map(|task| {
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
    let limiter = Limiter::new(shared(&redis.url()));
    let other = Limiter::new(shared(&redis.url()));
    let hour = quota(10, Duration::from_secs(3600));
    assert_eq!(granted(&limiter, "a", hour, 4).await, 4);

    redis.stop();
    let start = Instant::now();
    assert_eq!(granted(&limiter, "a", hour, 20).await, 6, "what was taken before is not forgotten");
    assert_eq!(granted(&limiter, "b", hour, 400).await, 10);
    assert!(start.elapsed() < Duration::from_millis(600), "{:?}", start.elapsed());

    redis.restart();
    tokio::time::sleep(Duration::from_millis(2_200)).await;
    limiter.check("c", hour, 1).await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(granted(&limiter, "d", hour, 6).await, 6);
    assert_eq!(granted(&other, "d", hour, 20).await, 4, "shared again");

    redis.pause();
    let start = Instant::now();
    assert_eq!(granted(&limiter, "e", hour, 400).await, 10);
    assert!(start.elapsed() < Duration::from_millis(900), "one call may wait, not all: {:?}", start.elapsed());
    redis.resume();
}

#[tokio::test]
async fn a_redis_that_never_was_costs_nothing() {
    let limiter = Limiter::new(shared("redis://127.0.0.1:1"));
    let start = Instant::now();
    assert_eq!(granted(&limiter, "a", quota(10, MINUTE), 200).await, 10);
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
}
