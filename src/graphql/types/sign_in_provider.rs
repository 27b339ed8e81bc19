//! Somebody else who vouches for people.

use async_graphql::{Description, Object};

use crate::auth::oauth::SignIn;

/// Somebody else who vouches for people, such as Google: signing in there signs in here.
#[derive(Description)]
pub struct SignInProvider(pub SignIn);

#[Object(use_type_description)]
impl SignInProvider {
    /// What people call it.
    async fn name(&self) -> &str {
        self.0.name()
    }

    /// Where to send the browser, as a path of this server. With `?return_to=` and a path behind it, the sign-in ends there.
    async fn url(&self) -> String {
        format!("/auth/{}", self.0.slug())
    }
}
