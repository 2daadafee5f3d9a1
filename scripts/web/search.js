/* A search that ranks titles, class names, parameters and headings before running text; smalldocs'
   search box calls it by the name of the library that it was written for. */
window.Fuse = class {
  constructor(entries) {
    const low = (text) => (text || "").toLowerCase();
    this.rows = entries.map((item) => ({
      item,
      title: low(item.title), section: low(item.section), names: low(item.names), text: low(item.text),
    }));
  }
  static at(field, word) {  // 3: a whole word, 2: the beginning of one, 1: inside one
    let best = 0;
    for (let i = field.indexOf(word); i >= 0 && best < 3; i = field.indexOf(word, i + 1)) {
      const before = i === 0 || !/[\p{L}\p{N}_]/u.test(field[i - 1]);
      const end = i + word.length;
      const after = end === field.length || !/[\p{L}\p{N}_]/u.test(field[end]);
      best = Math.max(best, before && after ? 3 : before ? 2 : 1);
    }
    return best;
  }
  score(row, words, phrase) {
    let total = 0;
    for (const word of words) {
      const names = window.Fuse.at(row.names, word) * 12;
      const section = window.Fuse.at(row.section, word) * 10;
      const title = window.Fuse.at(row.title, word) * (row.section ? 4 : 12);
      const text = window.Fuse.at(row.text, word);
      const best = Math.max(names, section, title, text);
      if (!best) return 0;
      total += best + (names + section + title) / 20 + Math.min(row.text.split(word).length - 1, 6) / 6;
    }
    if (words.length > 1) {
      for (const field of [row.names, row.section, row.title]) if (field.includes(phrase)) total += 25;
      if (row.text.includes(phrase)) total += 4;
    }
    const named = words.every((word) => window.Fuse.at(row.names, word) >= 2);
    if (named && row.item.rank === 3) total += 30;  // a page whose keywords say so
    if (row.section === phrase || row.title === phrase || row.names === phrase) total += 20;
    return total + (row.item.rank || 0);
  }
  search(query, { limit } = {}) {
    const small = /^(the|an?|of|to|is|for|in|on|do|i|my)$/;
    const phrase = query.toLowerCase().trim().replace(/\s+/g, " ");
    const every = phrase.split(/[^\p{L}\p{N}_.-]+/u).filter((word) => word);
    const main = every.filter((word) => !small.test(word));
    const words = main.length ? main : every;
    return this.rows.map((row) => ({ item: row.item, score: this.score(row, words, phrase) }))
      .filter((hit) => hit.score > 0)
      .sort((a, b) => b.score - a.score).slice(0, limit || 20);
  }
};
