// SPDX-License-Identifier: LGPL-2.1-or-later

// A client of the class that sdbus-c++-xml2cpp makes: starts a run, types a line into its terminal
// and prints its events, those of Subscribe and those that come as signals.
#include <cstdio>
#include <future>

#include "storkit.h"

#if SDBUS_MAJOR < 2
namespace sdbus
{
using ServiceName = std::string;
}
#endif

class Pool : public sdbus::ProxyInterfaces<org::storkit::AgentPool_proxy>
{
  public:
    Pool()
        : ProxyInterfaces(sdbus::createSessionBusConnection(),
                          sdbus::ServiceName("org.storkit.AgentPool"),
                          sdbus::ObjectPath("/org/storkit/AgentPool"))
    {
        registerProxy();
    }
    ~Pool()
    {
        unregisterProxy();
    }
    std::promise<void> done;

  protected:
    void onAgentEvent(const std::string &story, const std::string &agent, const std::string &type,
                      const std::map<std::string, sdbus::Variant> &data) override
    {
        data.at("cursor").get<uint64_t>();
        printf("signal %s %s %s\n", story.c_str(), agent.c_str(), type.c_str());
        if (type == "done")
            done.set_value();
    }
};

static void print_events(int fd)
{
    FILE *events = fdopen(fd, "r");
    char *line = nullptr;
    size_t size = 0;
    while (getline(&line, &size, events) >= 0)
        printf("event %s", line);
    free(line);
    fclose(events);
}

int main(int argc, char **argv)
{
    Pool pool;
    const std::string root = argv[1], story = argv[2], line = argv[3];
    auto info = pool.Start(root, story, "");
    printf("start %s\n", info.at("status").get<std::string>().c_str());
    sdbus::UnixFd events = pool.Subscribe(root, story, "", 0);
    pool.SendInput(root, story, "", std::vector<uint8_t>(line.begin(), line.end()));
    print_events(events.release());
    pool.done.get_future().get();
    return 0;
}
