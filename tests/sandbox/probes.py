"""Ways to reach what a command behind walls must not reach. Each prints REACHED or BLOCKED and is tried outside first."""

from dataclasses import dataclass

PRELUDE = r"""
import ctypes, errno, fcntl, os, signal, socket, struct, sys, termios
canary = os.environ["W_YRANAC"][::-1]
home, run, person, workspace = (os.environ["W_" + name] for name in ("HOME", "RUN", "PERSON", "WORKSPACE"))
outside, tools, victim = os.environ["W_OUTSIDE"], os.environ["W_TOOLS"], int(os.environ["W_VICTIM"])
token, listener = run + "/operator.token", run + "/operator.sock"
libc = ctypes.CDLL(None, use_errno=True)

def reached(what=""):
    print("REACHED", what)
    sys.exit()

def seen(data):
    if (data if isinstance(data, bytes) else data.encode()).find(canary.encode()) >= 0:
        reached()

def read(path):
    with open(path, "rb") as file:
        seen(file.read())

def read_any(paths):
    for path in paths:
        try:
            read(path)
        except OSError:
            continue

def connect(address, family=socket.AF_UNIX):
    with socket.socket(family) as client:
        client.settimeout(5)
        client.connect(address)
        seen(client.recv(100))

def call(number, *arguments):
    answer = libc.syscall(number, *arguments)
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer

def libc_call(name, *arguments):
    answer = getattr(libc, name)(*arguments)
    if answer == -1 or answer is None:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer

try:
"""

POSTLUDE = r"""
except Exception as error:
    print("BLOCKED", type(error).__name__, error)
else:
    print("BLOCKED", "nothing was seen")
"""


@dataclass(frozen=True)
class Probe:
    """One way."""

    name: str
    code: str
    """The body, in Python, with the names of the prelude."""
    root: bool = False
    """Whether only root gets there even without walls."""
    network: bool = True
    """Whether the command keeps the network behind walls."""
    effect: str = ""
    """A file, `{outside}` or `{person}` in its name, whose appearance on the machine means that it was reached."""
    namespace: bool = False
    """Whether the control runs in a namespace of mounts of its own, so that it changes nothing on this machine."""
    needs: str = ""
    """A file of the machine without which there is nothing to reach."""
    bare: bool = False
    """Whether the control is started by `subprocess` with all that this process has, and not by a sandbox."""

    @property
    def program(self) -> str:
        """The whole program."""
        body = "\n".join("    " + line for line in self.code.strip().splitlines())
        return f"{PRELUDE}{body}{POSTLUDE}"


PROBES = [
    # Files of Stigmer
    Probe("home: list", "os.listdir(home) and seen(open(home + '/config.yaml').read())"),
    Probe("home: store", "read(home + '/data/state.fs')"),
    Probe("home: another session's workspace", "read(home + '/data/workspace/other/secret')"),
    Probe("run: token", "read(token)"),
    Probe("run: list", "[reached() for name in os.listdir(run) if name == 'operator.token']"),
    Probe("run: by dots", "read(workspace + '/' + '../' * 20 + token)"),
    Probe("run: by the root of another process", "[read(f'/proc/{pid}/root' + token) for pid in (1, victim, 'self') if os.path.exists(f'/proc/{pid}/root' + token)]"),
    Probe("run: by the working directory of another process", "read(f'/proc/{victim}/cwd/operator.token')"),
    Probe("run: by a symbolic link", "os.path.lexists('link') or os.symlink(run, 'link')\nread('link/operator.token')"),
    Probe("run: by a hard link", "os.path.lexists('hard') and os.unlink('hard')\nos.link(token, 'hard')\nread('hard')"),
    Probe("run: by a link of a descriptor", "os.path.lexists('deep') and os.unlink('deep')\nfd = os.open(token, os.O_PATH)\nlibc_call('linkat', -100, f'/proc/self/fd/{fd}'.encode(), -100, b'deep', 0x400)\nread('deep')"),
    Probe("run: by a descriptor of another process", "[read(f'/proc/{victim}/fd/{fd}') for fd in os.listdir(f'/proc/{victim}/fd') if os.readlink(f'/proc/{victim}/fd/{fd}') == token]"),
    Probe("run: by a planted program link", "read(tools + '/planted')"),
    # Sockets
    Probe("socket: connect", "connect(listener)"),
    Probe("socket: by a link", "os.path.lexists('sock') or os.symlink(listener, 'sock')\nconnect('sock')"),
    Probe("socket: by a relative path", "os.chdir(workspace)\nconnect(os.path.relpath(listener))"),
    Probe("socket: without the network", "connect(listener)", network=False),
    Probe("socket: in /run, as docker's", "connect(os.environ['W_SERVICE'])"),
    Probe("socket: of an agent in /tmp", "connect(os.environ['W_AGENT'])"),
    Probe("socket: abstract", "connect('\\0' + os.environ['W_ABSTRACT'])"),
    Probe("socket: abstract, without the network", "connect('\\0' + os.environ['W_ABSTRACT'])", network=False),
    Probe("socket: loopback, without the network", "connect(('127.0.0.1', int(os.environ['W_PORT'])), socket.AF_INET)", network=False),
    Probe("socket: the names of all", "seen(open('/proc/net/unix').read().replace(os.environ['W_ABSTRACT'], canary))", network=False),
    # The person's files
    Probe("person: ssh key", "read(person + '/.ssh/id_ed25519')"),
    Probe("person: netrc", "read(person + '/.netrc')"),
    Probe("person: history", "read(person + '/.bash_history')"),
    Probe("person: ssh key by a planted program link", "read(tools + '/key')"),
    Probe("person: documents", "read(outside + '/letter')"),
    # Other processes
    Probe("process: list", "read_any(f'/proc/{pid}/cmdline' for pid in os.listdir('/proc') if pid.isdigit() and pid != str(os.getpid()))"),
    Probe("process: environment", "read_any(f'/proc/{pid}/environ' for pid in os.listdir('/proc') if pid.isdigit() and pid != str(os.getpid()))"),
    Probe("process: memory", "fd = os.open(f'/proc/{victim}/mem', os.O_RDONLY)\nreached()"),
    Probe("process: signal", "os.kill(victim, 0)\nreached()"),
    Probe("process: ptrace", "libc_call('ptrace', 16, victim, 0, 0)\nos.waitpid(victim, 0x40000000)\nlibc_call('ptrace', 17, victim, 0, 0)\nreached()"),
    Probe("process: read its memory", "buffer = ctypes.create_string_buffer(8)\nstart = int(open(f'/proc/{victim}/maps').read().split('-')[0], 16)\nclass Vec(ctypes.Structure): _fields_ = [('base', ctypes.c_void_p), ('length', ctypes.c_size_t)]\nlibc_call('process_vm_readv', victim, ctypes.byref(Vec(ctypes.cast(buffer, ctypes.c_void_p), 8)), 1, ctypes.byref(Vec(start, 8)), 1, 0)\nreached()"),
    Probe("process: handle", "os.close(os.pidfd_open(victim))\nreached()"),
    Probe("process: priority", "os.getpriority(os.PRIO_PROCESS, victim)\nreached()"),
    Probe("process: namespaces", "os.readlink(f'/proc/{victim}/ns/mnt')\nreached()"),
    Probe("memory: System V", "libc_call('shmget', int(os.environ['W_SHM']), 0, 0)\nreached()"),
    Probe("memory: POSIX", "read('/dev/shm/' + os.environ['W_SHARED'])"),
    Probe("keys: the session's ring", "call({'x86_64': 250, 'aarch64': 219}[os.uname().machine], 0, -3, 1)\nreached()"),
    Probe("keys: add", "call({'x86_64': 248, 'aarch64': 217}[os.uname().machine], b'user', b'stigmer-test', b'x', 1, -2)\nreached()"),
    # Out of the walls
    Probe("write: documents", "open(outside + '/written', 'w').close()", effect="{outside}/written"),
    Probe("write: by a symbolic link", "os.path.lexists('out') or os.symlink(outside, 'out')\nopen('out/linked', 'w').close()", effect="{outside}/linked"),
    Probe("write: profile", "open(person + '/.bashrc', 'a').close()", effect="{person}/.bashrc"),
    Probe("write: git configuration", "open(person + '/.gitconfig', 'a').close()\nopen(person + '/.gitconfig', 'a').write('')\nreached()"),
    Probe("write: toolchain", "open(tools + '/evil', 'w').close()", effect="{person}/bin/evil"),
    Probe("write: /tmp", "open(os.environ['W_TMP'], 'w').close()", effect="{tmp}"),
    Probe("write: system", "open('/usr/stigmer-probe', 'w').close()\nos.unlink('/usr/stigmer-probe')\nreached()", root=True),
    Probe("write: /etc", "os.close(os.open('/etc/passwd', os.O_WRONLY))\nreached()", root=True),
    Probe("write: kernel settings", "os.close(os.open('/proc/sys/kernel/core_pattern', os.O_WRONLY))\nreached()", root=True),
    Probe("write: sysrq", "os.close(os.open('/proc/sysrq-trigger', os.O_WRONLY))\nreached()", root=True, needs="/proc/sysrq-trigger"),
    Probe("write: root directory", "os.mkdir('/stigmer-probe')\nos.rmdir('/stigmer-probe')\nreached()", root=True),
    Probe("mount: something over", "libc_call('mount', b'none', b'/tmp', b'tmpfs', 0, None)\nreached()", namespace=True),
    Probe("mount: the cover away", "os.environ['W_WALLED'] or libc_call('mount', b'none', home.encode(), b'tmpfs', 0, None)\nlibc_call('umount2', home.encode(), 2)\nreached()", namespace=True),
    Probe("mount: the system writable", "os.environ['W_WALLED'] or libc_call('mount', b'/usr', b'/usr', None, 0x1000, None)\nlibc_call('mount', b'none', b'/usr', None, 0x20 | 0x1000, None)\nreached()", namespace=True),
    Probe("mount: by the new calls", "call(430, b'tmpfs', 0)\nreached()", namespace=True),
    Probe("namespace: of users", "libc_call('unshare', 0x10000000)\nreached()"),
    Probe("namespace: of users, by a clone", "pid = call({'x86_64': 56, 'aarch64': 220}[os.uname().machine], 0x10000000 | 17, 0, 0, 0, 0)\npid or os._exit(0)\nos.waitpid(pid, 0)\nreached()"),
    Probe("namespace: of mounts", "libc_call('unshare', 0x20000)\nreached()", namespace=True),
    Probe("root: change", "os.chroot(workspace)\nreached()", namespace=True),
    Probe("identity: change", "os.setresuid(12345, 12345, 12345)\nreached()", root=True),
    Probe("identity: own a file", "open('mine', 'w').close()\nos.chown('mine', 12345, 12345)\nreached()", root=True),
    Probe("device: make", "os.path.lexists('disk') and os.unlink('disk')\nos.mknod('disk', 0o60600, os.stat('/').st_dev)\nos.unlink('disk')\nreached()", root=True),
    Probe("device: kernel log", "os.close(os.open('/dev/kmsg', os.O_RDONLY))\nreached()", root=True),
    Probe("device: any of blocks", "import stat\n[reached(name) for name in os.listdir('/dev') if stat.S_ISBLK(os.lstat('/dev/' + name).st_mode)]", root=True),
    Probe("file: by handle", "class Handle(ctypes.Structure): _fields_ = [('size', ctypes.c_uint), ('type', ctypes.c_int), ('data', ctypes.c_ubyte * 128)]\nhandle, mount = Handle(128), ctypes.c_int()\nlibc_call('name_to_handle_at', -100, workspace.encode(), ctypes.byref(handle), ctypes.byref(mount), 0)\nfd = os.open(workspace, os.O_RDONLY)\nlibc_call('open_by_handle_at', fd, ctypes.byref(handle), 0)\nreached()", root=True),
    Probe("file: passwords", "open('/etc/shadow').read() and reached()", root=True),
    Probe("file: kernel memory", "os.close(os.open('/proc/kcore', os.O_RDONLY))\nreached()", root=True, needs="/proc/kcore"),
    Probe("file: kernel settings of any kind", "for place, _, names in os.walk('/proc/sys'):\n    [reached(place + '/' + name) for name in names if os.access(place + '/' + name, os.W_OK)]", root=True),
    Probe("file: control groups", "os.mkdir('/sys/fs/cgroup/stigmer-probe')\nos.rmdir('/sys/fs/cgroup/stigmer-probe')\nreached()", root=True),
    Probe("environment: agents", "[reached(name) for name in ('SSH_AUTH_SOCK', 'DBUS_SESSION_BUS_ADDRESS', 'XDG_RUNTIME_DIR', 'ANTHROPIC_API_KEY') if name in os.environ]", bare=True),
    Probe("descriptors: inherited", "[reached(fd) for fd in range(3, 1024) if os.path.exists(f'/proc/self/fd/{fd}') and os.readlink(f'/proc/self/fd/{fd}').startswith(run)]", bare=True),
]  # fmt: skip
