// News replace the words of a card or a log once a second. What a person has opened stays open,
// and a log that was scrolled up stays where it is; one that stands at its end follows.
const opened = new Set();
let atEnd = true;
const job = (details) => details.closest('[data-job]')?.dataset.job ?? '';
element.addEventListener('click', (event) => {
  const details = event.target.closest('summary')?.parentElement;
  if (details) opened[details.open ? 'delete' : 'add'](job(details));
});
element.addEventListener('scroll', (event) => {
  const box = event.target;
  atEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 8;
}, true);
const put = () => {
  for (const details of element.querySelectorAll('details')) {
    if (details.open !== opened.has(job(details))) details.open = opened.has(job(details));
  }
  const log = element.querySelector('pre.log');
  if (log && atEnd) log.scrollTop = log.scrollHeight;
};
new MutationObserver(put).observe(element, { childList: true, subtree: true, characterData: true, attributes: true });
