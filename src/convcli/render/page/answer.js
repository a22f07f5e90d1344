"use strict";
/*
 * The answer: a sentence, and a bar for each class.
 */
class Answer {
  static MOST = 12; // classes that have a bar, the likeliest; up to so many stay in their order

  constructor(classes) {
    this.classes = classes;
    this.speak = settled((words) => { find("spoken").textContent = words; }, 700);
    this.bars = Array.from({ length: Math.min(classes.length, Answer.MOST) }, () => {
      const [name, bar, share] = [made("span", { className: "name" }), made("i"), made("b")];
      const row = made("li", {}, name, made("span", { className: "bar" }, bar), share);
      find("bars").append(row);
      return { row, name, bar, share };
    });
    const longest = Math.max(...classes.map((name) => name.length));
    find("bars").style.setProperty("--names", `${Math.min(longest, 14) * 0.62}rem`);
    const left = classes.length - this.bars.length;
    find("bars-left").textContent = left > 0 ? `The ${this.bars.length} likeliest of ${classes.length} classes.` : "";
  }

  /** Say what a run found; `truth` is the true class, where it is known. */
  show({ probabilities }, truth = null) {
    const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a] || a - b);
    const [best] = order;
    const shown = this.classes.length > Answer.MOST ? order.slice(0, Answer.MOST) : [...probabilities.keys()];
    shown.forEach((index, n) => {
      const { row, name, bar, share } = this.bars[n], text = percent(probabilities[index]);
      row.className = index === best ? "likeliest" : "";
      name.textContent = name.title = this.classes[index];
      share.textContent = text;
      bar.style.width = `${100 * probabilities[index]}%`;
    });
    const judged = truth === null ? "" : truth === this.classes[best] ? "Right." : `Wrong: it is ${truth}.`;
    find("best").textContent = this.classes[best];
    find("best").className = this.classes[best].length > 4 ? "long" : "";
    find("best-share").textContent = percent(probabilities[best]);
    find("judged").textContent = judged;
    this.speak(`${this.classes[best]}, ${percent(probabilities[best])}. ${judged}`);
    return best;
  }
}
