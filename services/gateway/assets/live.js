// The last events, newest on top. What an event holds is only ever written as text.
"use strict";

const ROWS_MAX = 50;
const EVENTS_MAX_A_FRAME = ROWS_MAX;
const rows = document.getElementById("events");
const state = document.getElementById("state");
let waiting = [];

function cell(text, link) {
  const cell = document.createElement("td");
  if (link) {
    const anchor = document.createElement("a");
    anchor.href = link;
    anchor.textContent = text;
    cell.append(anchor);
  } else {
    cell.textContent = text;
  }
  return cell;
}

function rowOf(event) {
  const row = document.createElement("tr");
  const order = String(event.aggregate_id);
  const timeline = `/api/orders/${encodeURIComponent(order)}/timeline`;
  row.append(cell(String(event.timestamp).slice(11, 23)), cell(event.event_type), cell(order, timeline));
  return row;
}

// Under load hundreds of events come each second; the page is drawn once a frame.
function draw() {
  for (const event of waiting) rows.prepend(rowOf(event));
  while (rows.children.length > ROWS_MAX) rows.lastElementChild.remove();
  waiting = [];
}

function show(event) {
  if (waiting.length === 0) requestAnimationFrame(draw);
  waiting.push(event);
  if (waiting.length > EVENTS_MAX_A_FRAME) waiting.shift();
}

function follow(types, after) {
  const stream = new EventSource(`/api/events/stream?last_event_id=${after}`);
  stream.onopen = () => { state.textContent = "live"; };
  stream.onerror = () => {
    state.textContent = "not connected; trying again";
    // A refusal ends an EventSource for good (what it wants to go on from is gone): begin anew.
    if (stream.readyState === EventSource.CLOSED) {
      setTimeout(start, 3000);
    }
  };
  for (const type of types) {
    stream.addEventListener(type, (message) => show(JSON.parse(message.data)));
  }
}

async function json(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function start() {
  try {
    const [schemas, last] = await Promise.all([json("/api/schemas"), json("/api/events?limit=20")]);
    rows.replaceChildren();
    last.items.forEach((entry) => show(entry.event));
    const newest = last.items.at(-1);
    follow(new Set(schemas.map((schema) => schema.event_type)), newest ? newest.position : "");
  } catch (error) {
    state.textContent = `not connected (${error.message}); trying again`;
    setTimeout(start, 3000);
  }
}

start();
