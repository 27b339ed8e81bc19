"""GraphQL over HTTP, one connection kept open, as a dashboard's backend would."""

import http.client
import json
import time

OWNER = {"email": "bench@example.com", "password": "correct horse battery staple"}


class Client:
    """Somebody who asks; signs in, and registers where nobody is known yet."""

    def __init__(self, port: int):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        self.headers = {"Content-Type": "application/json"}

    def sign_in(self):
        self._enter("signIn", "SignInInput", OWNER)
        return self

    def register(self):
        self._enter("register", "RegisterInput", OWNER | {"name": "Bench"})
        return self

    def _enter(self, mutation: str, kind: str, values: dict):
        answer = self.ask(f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ token }} }}", input=values)
        self.headers["Authorization"] = f"Bearer {answer[mutation]['token']}"

    def create_app(self, name: str) -> str:
        create = "mutation($input: CreateAppInput!) { createApp(input: $input) { app { id } } }"
        return self.ask(create, input={"name": name})["createApp"]["app"]["id"]

    def create_key(self, app: str) -> str:
        create = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { key } }"
        return self.ask(create, input={"appId": app, "name": "bench"})["createApiKey"]["key"]

    def post(self, key: str, happened: list[dict]):
        """Events by the public door; returns when they are committed."""
        headers = {"Content-Type": "application/json", "X-API-Key": key}
        self.connection.request("POST", "/api/v1/events", json.dumps(happened).encode(), headers)
        response = self.connection.getresponse()
        text = response.read().decode()
        if response.status != 200 or json.loads(text)["data"]["accepted"] != len(happened):
            raise SystemExit(f"{response.status} for {len(happened)} events:\n{text[:2000]}")

    def ask(self, query: str, **variables) -> dict:
        """The answer's data."""
        return self.timed(query, **variables)[0]

    def timed(self, query: str, **variables) -> tuple[dict, float, bool | None]:
        """The answer's data, the milliseconds from sending to the last byte, and whether it was kept from before."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        start = time.perf_counter()
        self.connection.request("POST", "/graphql", body, self.headers)
        response = self.connection.getresponse()
        text = response.read()
        milliseconds = (time.perf_counter() - start) * 1e3
        answer = json.loads(text)
        if answer.get("errors") or response.status != 200:
            raise SystemExit(f"{response.status} for {query}:\n{text.decode()[:2000]}")
        return answer["data"], milliseconds, answer.get("extensions", {}).get("cached")
