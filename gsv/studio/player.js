// One player for all sentences: news replace the rows, but what is heard goes on. Only presses
// leave this part: `select` tells the studio which sentence is to be said again.
const sound = new Audio();
let source = '';
const mark = () => {
  for (const button of element.querySelectorAll('.play')) {
    button.classList.toggle('on', button.dataset.src === source && !sound.paused);
  }
};
element.addEventListener('click', (event) => {
  const play = event.target.closest('.play');
  if (play) {
    if (play.dataset.src === source && !sound.paused) {
      sound.pause();
    } else {
      source = play.dataset.src;
      sound.src = source;
      sound.play().catch(() => {});
    }
    return;
  }
  const again = event.target.closest('[data-redo]');
  if (again && !again.disabled) {
    again.disabled = true;
    trigger('select', {speech: again.closest('[data-speech]').dataset.speech, redo: again.dataset.redo});
    setTimeout(() => { again.disabled = false; }, 4000);  // where the studio refused, it can be pressed again
  }
});
for (const name of ['play', 'pause', 'ended', 'error']) sound.addEventListener(name, mark);
new MutationObserver(mark).observe(element, { childList: true, subtree: true });
