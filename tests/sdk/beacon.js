const address = `${process.env.HOST}/api/v1/events?key=${process.env.KEY}`;
const event = { event_type: "leave", url: location.href, metadata: { seconds: 12 } };
navigator.sendBeacon(address, JSON.stringify(event));

// Where scripts may not send: <img src="…/api/v1/pixel.gif?key=…&event_type=open">
new Image().src = `${process.env.HOST}/api/v1/pixel.gif?key=${process.env.KEY}&event_type=open`;
