// Preauthenticates by the login of the site, then opens the socket. ES5: it runs in old browsers, too.
(function () {
  'use strict';

  var LONGEST_WAIT_MS = 30000;
  var failures = 0;
  var hasTriedAfresh = false;

  function show(id, text) {
    document.getElementById(id).textContent = text;
  }

  function preauthenticate() {
    var request = new XMLHttpRequest();
    request.open('POST', '/postern/preauth');
    // Both make a browser ask first before a page of another site can send this.
    request.setRequestHeader('Content-Type', 'application/json');
    request.setRequestHeader('X-Postern-Preauth', '1');
    request.onload = function () {
      if (request.status === 200) connect(JSON.parse(request.responseText));
      else if (request.status === 401) location.assign('/login');
      else tryLater('Preauthentication was refused: ' + request.status);
    };
    request.onerror = function () {
      tryLater('The site cannot be reached');
    };
    request.send('{}');
  }

  function connect(tickets) {
    var isOpen = false;
    var socket = new WebSocket(tickets.url + '?csrf=' + tickets.csrfToken, 'postern.v1');
    socket.onopen = function () {
      isOpen = true;
    };
    socket.onmessage = function (event) {
      var message = JSON.parse(event.data);
      if (message.type !== 'welcome') return;
      failures = 0;
      hasTriedAfresh = false;
      show('state', 'Connected');
      show('welcome', JSON.stringify(message, null, 2));
    };
    socket.onclose = function (event) {
      show('welcome', '');
      if (mustStop(event.code)) show('state', 'Stopped: ' + event.code + ' ' + event.reason);
      else if (!isOpen && !hasTriedAfresh) tryAfresh();
      else tryLater('Not connected (' + event.code + ')');
    };
  }

  // A refused handshake tells a page 1006 and no more; preauthentication can say what is wrong.
  function tryAfresh() {
    hasTriedAfresh = true;
    preauthenticate();
  }

  function tryLater(why) {
    var wait = Math.random() * Math.min(LONGEST_WAIT_MS, 500 * Math.pow(2, failures));
    failures += 1;
    show('state', why + '. Trying again.');
    setTimeout(preauthenticate, wait);
  }

  // The rule for close codes, of which docs/failures.md has the list.
  function mustStop(code) {
    if (code === 1003 || code === 1007 || code === 1009 || code === 3003) return true;
    return code >= 3000 && code % 1000 >= 500;
  }

  preauthenticate();
})();
