import { isBrowserSupported } from 'livekit-client';
import './style.css';
import type { Caption } from './captions.js';
import { factsOf, LocalMedia } from './devices.js';
import { announce, byId } from './dom.js';
import { fetchTicket, sessionOfToken, ticketFromToken, type Ticket } from './join.js';
import { LobbyView } from './lobby-view.js';
import { resumeMeters } from './meter.js';
import { readParams } from './params.js';
import { browserProblem, joinProblem, retryDelaySeconds, type DeviceKind, type Problem } from './problems.js';
import { RoomView } from './room-view.js';
import { addShortcuts } from './shortcuts.js';
import { StatusBar } from './status-bar.js';
import { Visit } from './visit.js';

const RECONNECTING: Problem = {
  code: 'reconnecting',
  tone: 'warning',
  title: 'Reconnecting…',
  mend: 'The connection to the server is being repaired. Stay here.',
};
const SOUND_BLOCKED: Problem = {
  code: 'sound-blocked',
  tone: 'info',
  title: 'Sound is off',
  mend: 'The browser waits for you before it plays anything.',
};

const params = readParams(location.search, location.hash);
const base = new URL('.', location.href).href;
const media = new LocalMedia(params);
const lobby = new LobbyView(media, params, { toggle, join: () => void join() });
const roomView = new RoomView(media, { toggle, leave });
const statusBar = new StatusBar();
let visit: Visit | undefined;
let joining = false;
let attempt = 0;
let countdown: ReturnType<typeof setInterval> | undefined;

async function start(): Promise<void> {
  if (params.token !== '') lobby.setSession(sessionOfToken(params.token) || params.session);
  lobby.open('Join');
  const active = (): boolean => document.body.dataset['view'] === 'room';
  addShortcuts({ active, toggle, toggleTranscript: () => roomView.transcript.toggle(), leave });
  for (const event of ['pointerdown', 'keydown']) document.addEventListener(event, resumeMeters);
  if (!isBrowserSupported()) {
    lobby.notices.show(browserProblem());
    lobby.setOpened();
    return;
  }
  await media.open();
  lobby.setOpened();
  if (params.autojoin) await join();
}

/** Joins, or says why not; what may pass by itself is tried again. */
async function join(): Promise<void> {
  if (joining || visit || !isBrowserSupported()) return;
  joining = true;
  stopCountdown();
  lobby.setBusy(true, 'Joining…');
  const next = new Visit(media, events, params.audio);
  try {
    const ticket = await getTicket();
    await next.join(ticket);
    visit = next;
    enterRoom(next, ticket.sessionId);
  } catch (error) {
    lobby.setBusy(false, 'Join');
    complain(joinProblem(factsOf(error)));
  } finally {
    joining = false;
  }
}

function getTicket(): Promise<Ticket> {
  if (lobby.token !== '') return Promise.resolve(ticketFromToken(base, lobby.token, params.session));
  return fetchTicket(base, params.session, lobby.name || 'Guest');
}

function enterRoom(joined: Visit, sessionId: string): void {
  attempt = 0;
  lobby.notices.clear();
  lobby.close();
  lobby.setSession(sessionId);
  if (!params.autojoin) roomView.deviceNotices.acknowledge();
  showView('room');
  roomView.open(joined.room, sessionId);
  statusBar.start(() => joined.stats());
  showPlayback(joined.room.canPlaybackAudio);
  announce(`Joined ${sessionId}`);
}

const events = {
  onChange: (): void => roomView.sync(),
  onCaption: (caption: Caption): void => roomView.caption(caption),
  onReconnecting: (): void => {
    roomView.notices.show(RECONNECTING);
    roomView.setWaiting(true);
    statusBar.setState('reconnecting');
  },
  onReconnected: (): void => {
    roomView.notices.clear(RECONNECTING.code);
    roomView.setWaiting(false);
    statusBar.setState('connected');
    announce('Connected again');
  },
  onPublishProblem: (problem: Problem): void => roomView.notices.showClosable(problem),
  onPlayback: showPlayback,
  onEnd: (problem: Problem): void => {
    visit = undefined;
    statusBar.stop();
    roomView.close();
    showView('lobby');
    lobby.open('Join again');
    lobby.focusJoin();
    complain(problem);
    // A page that was put to sleep comes back with dead devices.
    void media.open();
  },
};

function leave(): void {
  void visit?.leave();
}

function toggle(kind: DeviceKind): void {
  const on = !media.isOn(kind);
  void media.setOn(kind, on).then(() => {
    if (media.isOn(kind) === on) announce(`${kind === 'camera' ? 'Camera' : 'Microphone'} ${on ? 'on' : 'off'}`);
  });
}

function showPlayback(allowed: boolean): void {
  if (allowed) roomView.notices.clear(SOUND_BLOCKED.code);
  else roomView.notices.show(SOUND_BLOCKED, [{ label: 'Turn sound on', run: () => void visit?.room.startAudio() }]);
}

function complain(problem: Problem): void {
  lobby.notices.clear();
  lobby.notices.show(problem);
  if (problem.needsToken === true) lobby.askToken();
  if (problem.retry === true) startCountdown(problem);
  else attempt = 0;
}

/** Counts down to the next attempt; the person may go at once, or stop it. */
function startCountdown(problem: Problem): void {
  let seconds = retryDelaySeconds(attempt++);
  const tell = (): void => lobby.notices.setCountdown(problem.code, `Next try in ${seconds.toString()} s.`);
  const stop = (): void => {
    stopCountdown();
    attempt = 0;
    lobby.notices.setCountdown(problem.code, '');
    lobby.notices.show(problem);
  };
  lobby.notices.show(problem, [
    { label: 'Try now', run: () => void join() },
    { label: 'Stop trying', run: stop },
  ]);
  tell();
  countdown = setInterval(() => {
    seconds -= 1;
    tell();
    if (seconds <= 0) void join();
  }, 1000);
}

function stopCountdown(): void {
  clearInterval(countdown);
  countdown = undefined;
}

function showView(view: 'lobby' | 'room'): void {
  document.body.dataset['view'] = view;
  byId('lobby', HTMLElement).hidden = view !== 'lobby';
  byId('room', HTMLElement).hidden = view !== 'room';
}

void start();
