"use strict";
/*
 * Elements of the page by their ids, and new ones.
 */
const find = (id) => document.getElementById(id);

/** A new element: its properties, attributes among them where they have a dash, and what is in it. */
function made(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "role" || name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** Call `act` when calls have ceased for so many milliseconds. */
function settled(act, wait) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...given), wait);
  };
}
