//! The pages as a browser gets them: under a strict policy, kept for ever or not at all, and only where they are.

use crate::support::{
    app::{Store, TestApp},
    people::Person,
};

/// A page and a script of it, unless the server was built without Node: the page then says so.
async fn page(stranger: &Person, address: &str) -> Option<String> {
    let page = stranger.get(address).await;
    let policy = page.header("content-security-policy").to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe-eval"), "{policy}");
    if page.status == 404 {
        assert!(page.text.contains("make web"), "{}", page.text);
        return None;
    }
    let page = page.expect(200);
    assert_eq!(page.header("cache-control"), "no-cache");
    let script = page.text.split('"').find(|text| text.ends_with(".js")).unwrap();
    let script = stranger.get(script).await.expect(200);
    assert_eq!(script.header("content-type"), "text/javascript");
    assert!(script.header("cache-control").contains("immutable"));
    Some(page.text)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_playground_is_served_under_a_strict_policy() {
    let app = TestApp::start(Store::Sqlite).await;
    let stranger = app.anonymous();
    page(&stranger, "/playground").await;
    stranger.get("/playground/assets/no.js").await.expect(404);
    stranger.get("/playground/assets/..%2F..%2Fpackage.json").await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_address_of_the_dashboard_is_its_page_and_no_other_is() {
    let app = TestApp::start(Store::Sqlite).await;
    let stranger = app.anonymous();
    if let Some(front) = page(&stranger, "/").await {
        assert!(!front.contains("<style") && !front.contains("<script>"), "nothing stands in the page itself");
        assert!(!stranger.get("/").await.header("content-security-policy").contains("unsafe"));
        for address in [
            "/sign-in",
            "/register",
            "/invitation",
            "/new",
            "/account",
            "/organizations",
            "/apps/app_1",
            "/apps/app_1/users/a%2Fb?range=TODAY",
        ] {
            assert_eq!(stranger.get(address).await.expect(200).text, front, "{address}");
        }
    }
    for address in ["/nothing", "/apps", "/assets/no.js", "/assets/..%2Findex.html", "/api/v1/nothing", "/graphql/x"] {
        let answer = stranger.get(address).await.expect(404);
        assert!(!answer.text.contains("<html"), "{address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_embedded_dashboard_may_stand_on_pages_of_others() {
    let app = TestApp::start(Store::Sqlite).await;
    let stranger = app.anonymous();
    let Some(shared) = page(&stranger, "/shared").await else { return };
    assert_eq!(page(&stranger, "/embed").await, Some(shared));
    for (address, framed) in
        [("/embed", true), ("/shared", false), ("/", false), ("/playground", false), ("/graphql", false)]
    {
        let answer = stranger.get(address).await;
        let policy = answer.header("content-security-policy").to_owned();
        assert_eq!(policy.contains("frame-ancestors *"), framed, "{address}: {policy}");
        assert_eq!(policy.contains("frame-ancestors 'none'"), !framed, "{address}: {policy}");
        assert_eq!(answer.headers.get("x-frame-options").is_none(), framed, "{address}");
    }
}
