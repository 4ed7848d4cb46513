// A service worker that uploads; a page tells it what, and it may be ended in the middle.
chrome.runtime.onMessage.addListener((message, sender, answer) => {
  answer({ heard: message });
});
