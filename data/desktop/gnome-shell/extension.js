// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How many agents run and wait, in the panel; a menu of them and of what can be done. A client of
// org.storkit.AgentPool that never starts it: where it does not run, nothing is shown.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import St from 'gi://St';
import Clutter from 'gi://Clutter';

import {Extension} from 'resource:///org/gnome/shell/extensions/extension.js';
import * as Main from 'resource:///org/gnome/shell/ui/main.js';
import * as PanelMenu from 'resource:///org/gnome/shell/ui/panelMenu.js';
import * as PopupMenu from 'resource:///org/gnome/shell/ui/popupMenu.js';

import * as Runs from './runs.js';

const POOL = 'org.storkit.AgentPool';
const POOL_PATH = '/org/storkit/AgentPool';
const DESKTOP = 'org.storkit.Desktop';
const KRUNNER_PATH = '/org/storkit/Desktop/krunner';
const SETTLE_MS = 100;
const MOST = 12;

function unpack(info) {
    return Object.fromEntries(Object.entries(info).map(([key, value]) => [key, value.recursiveUnpack()]));
}

export default class StorkitExtension extends Extension {
    enable() {
        this._bus = Gio.DBus.session;
        this._infos = [];
        this._makeButton();
        this._signals = [
            this._subscribe('org.freedesktop.DBus.ObjectManager', null, null),
            this._subscribe('org.freedesktop.DBus.Properties', 'PropertiesChanged', 'org.storkit.Run'),
        ];
        this._watch = Gio.bus_watch_name_on_connection(this._bus, POOL, Gio.BusNameWatcherFlags.NONE,
            () => this._lookSoon(), () => this._show([]));
    }

    disable() {
        Gio.bus_unwatch_name(this._watch);
        this._signals.forEach(id => this._bus.signal_unsubscribe(id));
        if (this._timer)
            GLib.source_remove(this._timer);
        this._cancellable?.cancel();
        this._button.destroy();
        this._bus = this._button = this._label = this._cancellable = this._timer = null;
        this._signals = this._infos = null;
    }

    _makeButton() {
        this._button = new PanelMenu.Button(0.5, this.metadata.name);
        const box = new St.BoxLayout({style_class: 'panel-status-menu-box'});
        box.add_child(new St.Icon({icon_name: 'storkit-symbolic', style_class: 'system-status-icon'}));
        this._label = new St.Label({y_align: Clutter.ActorAlign.CENTER});
        box.add_child(this._label);
        this._button.add_child(box);
        this._button.visible = false;
        Main.panel.addToStatusArea(this.uuid, this._button);
    }

    _subscribe(iface, member, arg0) {
        return this._bus.signal_subscribe(POOL, iface, member, null, arg0, Gio.DBusSignalFlags.NONE,
            () => this._lookSoon());
    }

    // What changes comes in several signals.
    _lookSoon() {
        this._timer ??= GLib.timeout_add(GLib.PRIORITY_DEFAULT, SETTLE_MS, () => {
            this._timer = null;
            this._look().catch(error => console.debug(`storkit: ${error.message}`));
            return GLib.SOURCE_REMOVE;
        });
    }

    async _look() {
        this._cancellable?.cancel();
        const cancellable = this._cancellable = new Gio.Cancellable();
        const reply = await new Promise((resolve, reject) => {
            this._bus.call(POOL, POOL_PATH, POOL, 'List', null, new GLib.VariantType('(aa{sv})'),
                Gio.DBusCallFlags.NO_AUTO_START, -1, cancellable, (bus, result) => {
                    try {
                        resolve(bus.call_finish(result));
                    } catch (error) {
                        reject(error);
                    }
                });
        });
        if (!cancellable.is_cancelled())
            this._show(reply.deepUnpack()[0].map(unpack));
    }

    _show(infos) {
        this._infos = infos;
        this._label.text = Runs.panelText(infos);
        this._button.visible = infos.length > 0;
        this._button.menu.removeAll();
        for (const info of Runs.sorted(infos).slice(0, MOST))
            this._button.menu.addMenuItem(this._itemOf(info));
        this._button.menu.addMenuItem(new PopupMenu.PopupSeparatorMenuItem());
        this._button.menu.addAction('All Agents', () => this._openAll());
    }

    _itemOf(info) {
        const item = new PopupMenu.PopupSubMenuMenuItem(Runs.title(info));
        for (const [verb, label] of Runs.actions(info))
            item.menu.addAction(label, () => this._do(verb, info));
        return item;
    }

    // Terminals are storkit-desktop's; what changes a run is asked of the service.
    _do(verb, info) {
        const key = new GLib.Variant('(sss)', [info.project_root, info.story_id, info.agent_name]);
        const methods = {freeze: 'Freeze', thaw: 'Thaw', stop: 'Stop'};
        if (methods[verb])
            this._call(POOL, POOL_PATH, POOL, methods[verb], key);
        else
            this._call(DESKTOP, KRUNNER_PATH, 'org.kde.krunner1', 'Run',
                new GLib.Variant('(ss)', [info.run_id, verb === 'watch' ? '' : verb]));
    }

    _openAll() {
        this._call(DESKTOP, '/org/storkit/Desktop/SearchProvider', 'org.gnome.Shell.SearchProvider2',
            'LaunchSearch', new GLib.Variant('(asu)', [[], global.get_current_time()]));
    }

    _call(name, path, iface, method, parameters) {
        this._bus.call(name, path, iface, method, parameters, null, Gio.DBusCallFlags.NONE, -1, null,
            (bus, result) => {
                try {
                    bus.call_finish(result);
                } catch (error) {
                    Main.notifyError('Storkit', error.message);
                }
            });
    }
}
