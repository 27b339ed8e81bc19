const events = [
  {
    id: "order-1001",
    event_type: "purchase",
    user_id: "ada",
    url: "https://shop.example/thanks",
    title: "Thank you",
    revenue: "24.50",
    currency: "EUR",
    metadata: { coupon: "AUTUMN" },
  },
  { event_type: "identify", user_id: "ada", anonymous_id: "a-77f2" },
];

const response = await fetch(`${process.env.HOST}/api/v1/events`, {
  method: "POST",
  headers: { "X-API-Key": process.env.KEY, "Content-Type": "application/json" },
  body: JSON.stringify(events),
});
console.log(response.status, await response.json());
