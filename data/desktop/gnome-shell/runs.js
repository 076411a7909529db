// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The runs as plain objects, and what is said of them. Knows nothing of the shell, so that gjs alone
// can test it.

/** What a run waits for someone or something for, or null. */
export function waitsFor(info, now = Date.now() * 1000) {
    if (!isLive(info))
        return null;
    if (info.waiting)
        return info.waiting === 'setup' ? null : info.waiting;
    if ((info.retry_at ?? 0) > now)
        return 'limit';
    return /[?:\])>]\s*$/.test(info.unfinished_line ?? '') ? 'input' : null;
}

export function isLive(info) {
    return info.status === 'running' || info.status === 'pending';
}

/** { running, waiting }: how many of the runs are live, and how many of those wait. */
export function count(infos, now) {
    const live = infos.filter(isLive);
    return {running: live.length, waiting: live.filter(info => waitsFor(info, now)).length};
}

/** "3", "3 · 1 waits" or "", where nothing runs. */
export function panelText(infos, now) {
    const {running, waiting} = count(infos, now);
    if (running === 0)
        return '';
    return waiting === 0 ? `${running}` : `${running} · ${waiting} wait${waiting === 1 ? 's' : ''}`;
}

const WAITING_WORDS = {
    permission: 'asks you',
    input: 'waits for you',
    limit: 'waits for the end of a limit',
};

/** "coder on 42_login: waits for you" */
export function title(info, now) {
    const waiting = waitsFor(info, now);
    const state = waiting ? WAITING_WORDS[waiting] ?? 'waits' : stateOf(info);
    return `${info.agent_name} on ${info.story_id}: ${state}`;
}

function stateOf(info) {
    if (info.frozen)
        return 'frozen';
    if (info.disk_full)
        return 'the disk is full';
    return info.status === 'pending' && info.queue_position > 0
        ? `number ${info.queue_position} in the queue`
        : info.status;
}

/** Those that wait first, then those that run, then the ended ones, newest first. */
export function sorted(infos, now) {
    const rank = info => waitsFor(info, now) ? 0 : isLive(info) ? 1 : 2;
    return [...infos].sort((a, b) => rank(a) - rank(b) || (b.started ?? 0) - (a.started ?? 0));
}

/** The verbs of storkitctl that make sense now, with what the menu says. */
export function actions(info) {
    if (isLive(info))
        return [['watch', 'Show'], ['diff', 'Diff'], [info.frozen ? 'thaw' : 'freeze',
            info.frozen ? 'Go On' : 'Freeze'], ['stop', 'Stop']];
    return [['watch', 'Show'], ['diff', 'Diff'], ['resume', 'Resume'], ['stop', 'Take off the List']];
}
