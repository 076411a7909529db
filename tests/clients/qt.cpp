// SPDX-License-Identifier: LGPL-2.1-or-later

// A client of the class that qdbusxml2cpp makes: starts a run, types a line into its terminal and
// prints its events, those of Subscribe and those that come as signals.
#include <cstdio>

#include <QCoreApplication>
#include <QDBusMetaType>
#include <QFile>
#include <QTimer>

#include "storkit.h"

template <typename T> static T wait(QDBusPendingReply<T> reply)
{
    reply.waitForFinished();
    if (reply.isError())
        qFatal("%s", qPrintable(reply.error().message()));
    return reply.value();
}

static void printEvents(const QDBusUnixFileDescriptor &descriptor)
{
    QFile events;
    events.open(descriptor.fileDescriptor(), QIODevice::ReadOnly);
    for (QByteArray line = events.readLine(); !line.isEmpty(); line = events.readLine())
        printf("event %s", line.constData());
}

static void run(OrgStorkitAgentPoolInterface &pool, const QString &root, const QString &story,
                const char *line)
{
    printf("start %s\n", qPrintable(wait(pool.Start(root, story, ""))["status"].toString()));
    if (wait(pool.List()).size() != 1)
        qFatal("List has no run");
    const QDBusUnixFileDescriptor events = wait(pool.Subscribe(root, story, "", 0));
    QDBusPendingReply<> typed = pool.SendInput(root, story, "", line);
    typed.waitForFinished();
    printEvents(events);
}

int main(int argc, char **argv)
{
    QCoreApplication application(argc, argv);
    qDBusRegisterMetaType<QList<QVariantMap>>();
    const QString root = argv[1], story = argv[2];
    OrgStorkitAgentPoolInterface pool("org.storkit.AgentPool", "/org/storkit/AgentPool",
                                      QDBusConnection::sessionBus());
    QObject::connect(
        &pool, &OrgStorkitAgentPoolInterface::AgentEvent,
        [&](const QString &of, const QString &agent, const QString &type, const QVariantMap &data) {
            Q_ASSERT(data["cursor"].toULongLong() > 0);
            printf("signal %s %s %s\n", qPrintable(of), qPrintable(agent), qPrintable(type));
            if (type == "done")
                application.quit();
        });

    // From within the event loop: Qt 5 mixes up the signals that come before it.
    QTimer::singleShot(0, [&] { run(pool, root, story, argv[3]); });
    return application.exec();
}
