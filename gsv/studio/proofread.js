// Proofreading in the browser: asks the studio for pages of clips, keeps what is typed, plays and draws.
// All words and all markup come from the studio, escaped there. Questions are asked one after the other,
// so that each edit knows what the one before it did.
const find = (query, from = element) => from.querySelector(query);
const all = (query, from = element) => [...from.querySelectorAll(query)];
const desk = () => find('.desk');
const SAID = JSON.parse(desk().dataset.said);
const SAVE_AFTER = 900, LOOK_EVERY = 2000, WAVES = 4;
const view = {page: 1, size: 20};
const drafts = new Map();  // clip -> {field: what was typed and is not kept yet}
const waves = new Map(), timers = new Map();
let list = '', folder = '', seen = null, current = null, generation = 0, lost = false, playing = null, frame = 0;
let queue = Promise.resolve();
const sound = new Audio();

const place = (id, name) => document.querySelector(`#${id} textarea, #${id} input`)?.value.trim() ?? name;
const cardOf = (id) => find(`.clip[data-id="${id}"]`);
const idOf = (node) => Number(node.closest('.clip').dataset.id);
const shown = () => all('.clip').map((card) => Number(card.dataset.id));
const say = (html) => { find('.said').innerHTML = html; };
const plain = (text) => { const span = document.createElement('span'); span.textContent = text; return span.outerHTML; };
const mark = (id, words, bad = false) => {
  const kept = cardOf(id)?.querySelector('.kept');
  if (kept) { kept.textContent = words; kept.classList.toggle('bad', bad); }
};

const ask = (question, held = () => false) => {
  const mine = queue.then(async () => {
    if (held()) return {held: true};
    const base = {key: desk().dataset.key, list, folder, seen, shown: shown()};
    try {
      const answer = await server.answer({...base, ...question});
      if (lost) { lost = false; say(''); }
      return answer;
    } catch (error) {
      lost = true;
      say(plain(SAID.lost));
      return {lost: true};
    }
  });
  queue = mine.catch(() => {});
  return mine;
};

// What every answer may bring: where the list stands, and cards that were changed.
const take = (answer, own = null) => {
  if (answer.seen) seen = answer.seen;
  if (answer.totals) find('.totals').innerHTML = answer.totals;
  for (const deed of ['undo', 'redo']) {
    if (deed in answer) {
      const button = find(`.tools [data-do="${deed}"]`);
      button.disabled = !answer[deed];
      button.title = [answer[deed], deed === 'undo' ? 'Alt+Z' : 'Alt+Y'].filter(Boolean).join(' · ');
    }
  }
  for (const [id, html] of Object.entries(answer.cards ?? {})) put(Number(id), html, Number(id) === own);
  if (answer.error && own === null) say(answer.conflict ? plain(SAID.news) : answer.error);
  else if (answer.said) say(plain(answer.said));
};

// A card as it is now. Where a person types in it, only what is around the field is replaced.
const put = (id, html, own) => {
  const old = cardOf(id);
  if (!old) return;
  const holder = document.createElement('div');
  holder.innerHTML = html;
  const fresh = holder.firstElementChild;
  const draft = drafts.get(id), active = old.contains(document.activeElement) ? document.activeElement : null;
  const typing = active?.dataset.field && fresh.dataset.standing === old.dataset.standing;
  if (typing || (draft && !own)) {
    find('.facts', old).replaceWith(find('.facts', fresh));
    for (const field of all('[data-field]', old)) {
      const now = find(`[data-field="${field.dataset.field}"]`, fresh);
      if (field !== active && !(draft && field.dataset.field in draft)) field.value = now.value;
      else if (draft && field.dataset.field in draft && !own) clash(old, field, now.value);
    }
    old.className = fresh.className + (old === current ? ' current' : '');
    return;
  }
  const deed = active?.dataset.do;
  old.replaceWith(fresh);
  if (current === old) choose(fresh);
  if (active) (find(`[data-do="${deed}"]`, fresh) ?? fresh).focus();
  draw(id);
};

// Somebody else changed what is being typed here: both are shown, nothing is lost.
const clash = (card, field, theirs) => {
  if (field.value.trim() === theirs) { forget(idOf(card), field.dataset.field); return; }
  const note = document.createElement('div');
  note.className = 'clash reason';
  note.dataset.of = field.dataset.field;
  const words = document.createElement('span');
  words.textContent = SAID.conflict + ' ';
  const other = document.createElement('q');
  other.textContent = theirs;
  note.append(words, other);
  for (const side of ['mine', 'theirs']) {
    const button = document.createElement('button');
    Object.assign(button, {type: 'button', className: 'again', textContent: SAID[side]});
    button.dataset.do = side;
    note.append(button);
  }
  note.dataset.theirs = theirs;
  find('.more', card).replaceChildren(note);
  clearTimeout(timers.get(idOf(card)));
  mark(idOf(card), SAID.unsaved, true);
};
const clashes = (id) => Boolean(cardOf(id)?.querySelector('.clash'));
const forget = (id, field) => {
  const draft = drafts.get(id);
  if (draft) { delete draft[field]; if (!Object.keys(draft).length) drafts.delete(id); }
};

const typed = (field) => {
  const id = idOf(field);
  drafts.set(id, {...drafts.get(id), [field.dataset.field]: field.value});
  if (clashes(id)) return;
  mark(id, '…');
  clearTimeout(timers.get(id));
  timers.set(id, setTimeout(() => save(id), SAVE_AFTER));
};
const save = async (id) => {
  clearTimeout(timers.get(id));
  const fields = {...drafts.get(id)};
  if (!Object.keys(fields).length || clashes(id)) return !clashes(id);
  mark(id, SAID.saving);
  // While this waited its turn, news may have brought what another window wrote there: then a person decides.
  const answer = await ask({do: 'change', id, fields}, () => clashes(id));
  if (answer.held) return false;
  if (answer.lost) { mark(id, SAID.unsaved, true); return false; }
  if (answer.error) {
    take(answer, answer.conflict ? undefined : id);
    mark(id, SAID.unsaved, true);
    if (!answer.conflict) {
      const more = cardOf(id) && find('.more', cardOf(id));
      if (more) more.innerHTML = `<div class="reason refused">${answer.error}</div>`;
    }
    return false;
  }
  for (const [field, value] of Object.entries(fields)) if (drafts.get(id)?.[field] === value) forget(id, field);
  const refused = cardOf(id)?.querySelector('.refused');
  if (refused) refused.remove();
  take(answer, id);
  mark(id, SAID.saved);
  if (answer.anew) await look();
  return true;
};
const saveAll = async () => (await Promise.all([...drafts.keys()].map(save))).every(Boolean);

// One page of the list.
const look = async (focus = null, more = {}) => {
  const mine = ++generation;
  const answer = await ask({do: 'look', query: view, ...more});
  if (mine !== generation || answer.lost) return;
  if (answer.error) { say(answer.error); if (!seen) find('.cards').innerHTML = ''; return; }
  const stay = focus ?? (current?.isConnected ? Number(current.dataset.id) : null);
  find('.cards').innerHTML = answer.html;
  view.page = answer.pager.page;
  const pager = find('.pager');
  pager.hidden = false;
  find('[data-query="page"]').value = view.page;
  find('[data-query="page"]').max = answer.pager.pages;
  find('.of').textContent = `/ ${answer.pager.pages}`;
  find('[data-do="back"]').disabled = view.page <= 1;
  find('[data-do="forward"]').disabled = view.page >= answer.pager.pages;
  find('.found').textContent = answer.found;
  find('[data-query="language"]').innerHTML = answer.languages;
  find('[data-query="speaker"]').innerHTML = answer.speakers;
  const names = all('[data-query="speaker"] option').map((option) => new Option(option.value, option.value));
  find('#proofread-speakers').replaceChildren(...names.slice(1));
  for (const [id, draft] of drafts) {
    for (const [name, value] of Object.entries(draft)) {
      const field = cardOf(id)?.querySelector(`[data-field="${name}"]`);
      if (field) { field.value = value; mark(id, SAID.unsaved, true); }
    }
  }
  if (answer.notes?.length) say(answer.notes.map(plain).join('<br>'));
  take({...answer, cards: {}});
  choose((stay !== null && cardOf(stay)) || find('.clip'));
  if (focus !== null && current) reach(current);
  drawPage(mine);
};
const drawPage = async (mine) => {
  const ids = shown().filter((id) => !waves.has(`${id}`));
  for (const id of shown()) if (waves.has(`${id}`)) draw(id);
  for (let at = 0; at < ids.length && mine === generation; at += WAVES) {
    const answer = await ask({do: 'waves', ids: ids.slice(at, at + WAVES)});
    for (const [id, wave] of Object.entries(answer.waves ?? {})) { waves.set(id, wave); draw(Number(id)); }
  }
};

const clock = (seconds) => `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(2).padStart(5, '0')}`;
const at = (id) => (playing === id ? sound.currentTime : waves.get(`${id}`)?.at ?? 0);
const draw = (id) => {
  const card = cardOf(id), wave = waves.get(`${id}`);
  if (!card || !wave) return;
  const canvas = find('canvas', card), time = find('.time', card);
  if (wave.error) { time.innerHTML = `<span class="unreadable">${wave.error}</span>`; canvas.hidden = true; return; }
  find('.play', card).disabled = false;
  find('.play', card).classList.toggle('on', playing === id && !sound.paused);
  const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  if (!width) return;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const pen = canvas.getContext('2d'), count = wave.peaks.length, done = at(id) / wave.seconds;
  pen.scale(ratio, ratio);
  wave.peaks.forEach((peak, number) => {
    const tall = Math.max(1.5, peak / 100 * (height - 4));
    pen.fillStyle = number / count < done ? '#0d9488' : '#94a3b8';
    pen.fillRect(number * width / count, (height - tall) / 2, Math.max(1, width / count - 1), tall);
  });
  pen.fillStyle = '#b91c1c';
  if (at(id) > 0) pen.fillRect(Math.min(width - 2, done * width), 0, 2, height);
  time.textContent = `${clock(at(id))} / ${clock(wave.seconds)}`;
  canvas.setAttribute('aria-valuemax', wave.seconds.toFixed(2));
  canvas.setAttribute('aria-valuenow', at(id).toFixed(2));
  canvas.setAttribute('aria-valuetext', time.textContent);
};
const seek = (id, seconds) => {
  const wave = waves.get(`${id}`);
  if (!wave || wave.error) return;
  wave.at = Math.min(Math.max(0, seconds), wave.seconds);
  if (playing === id) sound.currentTime = wave.at;
  draw(id);
};
const play = (id) => {
  const wave = waves.get(`${id}`);
  if (!wave?.sound) return;
  if (playing === id && !sound.paused) { sound.pause(); return; }
  if (playing !== id) {
    const before = playing;
    if (before !== null && waves.get(`${before}`)) waves.get(`${before}`).at = sound.currentTime;
    playing = id;
    sound.src = wave.sound;
    sound.currentTime = wave.at ?? 0;
    if (before !== null) draw(before);
  }
  sound.play().catch(() => {});
};
const follow = () => {
  cancelAnimationFrame(frame);
  if (playing === null) return;
  draw(playing);
  if (!sound.paused) frame = requestAnimationFrame(follow);
};
for (const name of ['play', 'pause', 'seeked', 'ended']) sound.addEventListener(name, follow);
sound.addEventListener('ended', () => { const wave = waves.get(`${playing}`); if (wave) { wave.at = 0; sound.currentTime = 0; } });

const choose = (card) => {
  if (current && current !== card) current.classList.remove('current');
  current = card;
  card?.classList.add('current');
};
const reach = (card) => {
  choose(card);
  const field = find('textarea:not(:disabled)', card) ?? card;
  field.focus({preventScroll: true});
  card.scrollIntoView({block: 'nearest'});
};
const move = async (step) => {
  const cards = all('.clip'), next = cards[cards.indexOf(current) + step];
  if (next) reach(next);
  else if (find(`[data-do="${step > 0 ? 'forward' : 'back'}"]`).disabled) return;
  else {
    await saveAll();
    view.page += step;
    current = null;
    await look();
    const found = all('.clip');
    if (found.length) reach(step > 0 ? found[0] : found[found.length - 1]);
  }
  if (find('[data-query="follow"]').checked && current) {
    const id = idOf(current);
    for (let tries = 0; tries < 50 && !waves.has(`${id}`); tries += 1) await new Promise((go) => setTimeout(go, 100));
    if (current && idOf(current) === id && (playing !== id || sound.paused)) { seek(id, 0); play(id); }
  }
};

const DEEDS = {
  play: (id) => play(id),
  check: async (id) => act(id, {do: 'check', checked: !cardOf(id).classList.contains('checked')}),
  delete: (id) => act(id, {do: 'delete'}),
  restore: (id) => act(id, {do: 'restore'}),
  merge: (id) => act(id, {do: 'merge', pause: Number(find('[data-query="pause"]').value) || 0}),
  splitting: async (id) => {
    if (!await save(id)) return;
    if (playing === id) sound.pause();
    const wave = waves.get(`${id}`);
    const answer = await ask({do: 'splitting', id, seconds: at(id) || (wave?.seconds ?? 0) / 2});
    if (answer.error) { say(answer.error); return; }
    find('.more', cardOf(id)).innerHTML = answer.form ?? '';
    find('[data-side="left"]', cardOf(id))?.focus();
  },
  split: (id) => {
    const side = (name) => find(`[data-side="${name}"]`, cardOf(id)).value;
    return act(id, {do: 'split', seconds: Number(side('at')), texts: [side('left'), side('right')]});
  },
  keep: (id) => { find('.more', cardOf(id)).replaceChildren(); reach(cardOf(id)); },
  mine: (id) => { find('.more', cardOf(id)).replaceChildren(); return save(id); },
  theirs: (id) => {
    const note = find('.clash', cardOf(id)), field = find(`[data-field="${note.dataset.of}"]`, cardOf(id));
    field.value = note.dataset.theirs;
    forget(id, note.dataset.of);
    note.remove();
    mark(id, '');
  },
  undo: () => act(null, {do: 'undo'}),
  redo: () => act(null, {do: 'redo'}),
  back: () => turn(view.page - 1),
  forward: () => turn(view.page + 1),
};
const act = async (id, question) => {
  if (!await (id === null ? saveAll() : save(id))) return false;
  say('');
  const answer = await ask({id, ...question});
  take(answer);
  if (answer.anew && !answer.error) {
    await look(answer.focus ?? null, answer.focus ? {find: answer.focus} : {});
    if (answer.said) say(plain(answer.said));
  }
  return !answer.error && !answer.lost;
};
const turn = async (page) => { await saveAll(); view.page = page; current = null; await look(); find('.cards').scrollIntoView({block: 'nearest'}); };
const saveAndGoOn = async (id) => {
  if (cardOf(id).classList.contains('checked') ? await save(id) : await act(id, {do: 'check', checked: true})) await move(1);
};

const open = async () => {
  await saveAll();
  [list, folder] = [place('proofread-list', list), place('proofread-audio', folder)];
  if (!list) return;
  Object.assign(view, {page: 1});
  seen = null;
  drafts.clear();
  waves.clear();
  say('');
  await look();
};
element.addEventListener('open-list', open);
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-do]'), card = event.target.closest('.clip');
  if (card) choose(card);
  if (button && !button.disabled) { DEEDS[button.dataset.do](card ? idOf(card) : null); return; }
  const word = event.target.closest('.word');
  if (word) seek(idOf(word), Number(word.dataset.at));
  if (event.target.matches('canvas')) {
    const box = event.target.getBoundingClientRect(), wave = waves.get(`${idOf(card)}`);
    if (wave?.seconds) seek(idOf(card), (event.clientX - box.left) / box.width * wave.seconds);
  }
});
let searching = 0;
element.addEventListener('input', (event) => {
  const {field, query} = event.target.dataset;
  if (field) typed(event.target);
  else if (query === 'text') {
    clearTimeout(searching);
    searching = setTimeout(() => { Object.assign(view, {text: event.target.value, page: 1}); look(); }, 300);
  }
});
element.addEventListener('change', (event) => {
  const {field, query} = event.target.dataset;
  if (field) save(idOf(event.target));
  else if (query === 'page') turn(Number(event.target.value) || 1);
  else if (['show', 'language', 'speaker', 'sort'].includes(query)) {
    Object.assign(view, {[query]: event.target.value, page: 1});
    saveAll().then(() => look());
  }
});
element.addEventListener('focusin', (event) => { const card = event.target.closest('.clip'); if (card) choose(card); });
element.addEventListener('focusout', (event) => { if (event.target.dataset?.field) save(idOf(event.target)); });

const KEYS = {
  'alt+KeyP': (id) => play(id),
  'alt+ArrowDown': () => move(1),
  'alt+ArrowUp': () => move(-1),
  'alt+KeyX': (id) => DEEDS[cardOf(id).dataset.standing === 'deleted' ? 'restore' : 'delete'](id),
  'alt+KeyS': (id) => DEEDS.splitting(id),
  'alt+KeyM': (id) => DEEDS.merge(id),
  'alt+KeyZ': () => DEEDS.undo(),
  'alt+KeyY': () => DEEDS.redo(),
  'ctrl+Enter': (id) => saveAndGoOn(id),
  'meta+Enter': (id) => saveAndGoOn(id),
};
document.addEventListener('keydown', (event) => {
  if (!element.isConnected || element.offsetParent === null || event.isComposing || event.shiftKey) return;
  const held = ['alt', 'ctrl', 'meta'].filter((name) => event[`${name}Key`]).join('+');
  if (event.target.matches?.('canvas') && !held && ['ArrowLeft', 'ArrowRight'].includes(event.code)) {
    event.preventDefault();
    seek(idOf(event.target), at(idOf(event.target)) + (event.code === 'ArrowLeft' ? -0.1 : 0.1));
    return;
  }
  const deed = KEYS[`${held}+${event.code.replace('NumpadEnter', 'Enter')}`];
  if (!deed || !list) return;
  event.preventDefault();
  const id = current?.isConnected ? idOf(current) : null;
  if (id !== null || deed.length === 0) deed(id);
});
window.addEventListener('beforeunload', (event) => { if (drafts.size) { saveAll(); event.preventDefault(); } });
window.addEventListener('resize', () => { for (const id of shown()) draw(id); });

// News of other windows, while this part is looked at; what could not be saved is tried again.
setInterval(async () => {
  if (element.offsetParent === null || document.hidden) return;
  const wanted = place('proofread-list', '');
  if (!list && wanted && !document.activeElement?.closest('#proofread-list, #proofread-audio')) { await open(); return; }
  if (!seen) return;
  if (lost) { await saveAll(); }
  const answer = await ask({do: 'news'});
  if (answer.error || answer.lost || !answer.seen || !seen) return;
  take(answer);
  if (answer.changed || answer.anew) say(plain(SAID.news));
  if (answer.anew && !drafts.size) await look();
}, LOOK_EVERY);
