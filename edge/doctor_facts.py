"""What the doctor saw, in Chinese: facts are English where they are found, in the log and for machines, and are said in Chinese where somebody reads them so."""

from __future__ import annotations

import re

PHRASES: tuple[tuple[str, str], ...] = (
    # Camera and its file
    (r"film (\S+) gives no pictures: see that the file is there and whole", r"视频文件 \1 没有画面：请检查文件是否存在且完整"),
    (r"camera (\S+) gives no pictures: check its cable and /dev/video\*", r"相机 \1 没有画面：请检查数据线和 /dev/video*"),
    (r"camera (\S+) gives no pictures: see that it is on and its address is right", r"相机 \1 没有画面：请检查是否已开机、地址是否正确"),
    (r"^source (\S+)$", r"来源 \1"), (r"(\d+) pictures alike", r"\1 张画面完全相同"),
    (r"pitch (\S+) by the file", r"俯仰角：标定文件 \1"), (r"yaw (\S+) by the file", r"偏航角：标定文件 \1"), (r"(\S+) by driving", r"行驶推算 \1"),
    ("looks lower", "镜头比原来偏低"), ("looks higher", "镜头比原来偏高"), ("looks left", "镜头比原来偏左"), ("looks right", "镜头比原来偏右"),
    (r"pictures of (\S+) pixels do not fit a camera known at (\S+), places would be wrong: let the camera give \S+, or calibrate it at \S+ \(size_px in (\S+)\) and ask it for that \((\[camera\]) in edge\.toml\)",
     r"画面为 \1 像素，与标定时的 \2 不符，定位会出错：请让相机输出 \2，或按 \1 重新标定（\3 中的 size_px）并在 edge.toml 的 \4 中设置该尺寸"),
    ("checksum: it does not fit size_px to distortion; if you changed them on purpose, delete the line 'checksum', else the file is damaged: take a copy, or calibrate again",
     "checksum 与 size_px 至 distortion 不符：若是有意修改，请删除 checksum 一行；否则文件已损坏，请换用备份或重新标定"),
    ("distortion: a fisheye has at most four numbers", "distortion：鱼眼镜头最多四个数"),
    # Files that people write
    ("does not exist: a part of its path is no folder", "不存在：路径中有一段不是文件夹"), ("does not exist", "不存在"), ("is a folder, not a file", "是文件夹，不是文件"), ("may not be read by this user", "当前用户无权读取"), ("cannot be read: ", "无法读取："),
    ("is no text in UTF-8: save it as UTF-8", "不是 UTF-8 文本：请以 UTF-8 保存"), (r"line (\d+) says again what was said before: each key and each \[section\] once", r"第 \1 行重复：每个键和每个 [段] 只能出现一次"),
    (r"line (\d+) \((.*?)\) is no TOML: write key = value, text in quotes, lists in \[ \], and a section as \[name\]", r"第 \1 行（\2）不是 TOML：请写 键 = 值，文字加引号，列表用 [ ]，段写作 [名称]"), (r"line (\d+) is no JSON", r"第 \1 行不是 JSON"),
    ("docs/edge.toml.example explains every key", "各键说明见 docs/edge.toml.example"), ("no such time zone", "没有此时区"), ("no such category", "没有此类别"),
    ("cert_file and key_file go together: give both, or neither", "cert_file 与 key_file 须同时设置或都不设置"), (r"(\S+) is no address of gpsd; it looks like (\S+)", r"\1 不是 gpsd 地址，应形如 \2"),
    ("is missing", "缺失"), ("is no key that is known here: see how it is spelt", "未知的键，请检查拼写"), ("must be a finite number", "必须是有限的数"), ("must be a whole number", "必须是整数"), ("must be a number", "必须是数"),
    ("must be text in quotes", "必须是带引号的文字"), ("must be a path in quotes", "必须是带引号的路径"), ("must be true or false", "必须是 true 或 false"), (r"must be a list of values in \[ \]", "必须是 [ ] 中的列表"), ("must be a section of keys", "必须是一段键值"),
    (r"must be above (\S+?)(?=,|;|$|\n)", r"必须大于 \1"), (r"must be below (\S+?)(?=,|;|$|\n)", r"必须小于 \1"), (r"must be (\S+) or more", r"必须不小于 \1"), (r"must be (\S+) or less", r"必须不大于 \1"),
    (r"has (\d+) values, needed are (\d+)", r"有 \1 个值，需要 \2 个"), (r"has (\d+) values, at most (\d+) may be there", r"有 \1 个值，最多 \2 个"), (r"must be (\d+) to (\d+) of ", r"必须是 \1 到 \2 个字符，可用 "), (r"must be 64 of 0-9 and a-f, or empty", "必须是 64 个 0-9、a-f 字符，或留空"),
    (r"must be ('\w+')", r"必须是 \1"), (r"must be (\d+)(?=,|;|$|\n)", r"必须是 \1"), (r"(?<=') or (?=')", " 或 "), (" - and _", " - 和 _"), (r", not (.+?)(?=;|$|\n)", r"，而不是 \1"),
    # Position, clock, watch, disk, outbox, zones
    (r"receiver (\S+): ", r"接收机 \1："), (r"check the cable and (\[receiver\]) in edge\.toml", r"请检查连线和 edge.toml 的 \1"), (r"check that gpsd runs there and (\[receiver\]) in edge\.toml", r"请检查该处 gpsd 是否运行，以及 edge.toml 的 \1"),
    (r"gpsd has told nothing for (\d+) s; check that it was started with the receiver's port", r"gpsd 已 \1 秒没有数据；请检查其启动时是否带上接收机端口"), (r"no sentence for (\d+) s; check its power, its antenna and baud in edge\.toml", r"已 \1 秒没有语句；请检查供电、天线以及 edge.toml 的 baud"),
    (r"(\d+) bytes, none of them NMEA or UBX: another baud rate or protocol", r"收到 \1 字节，但都不是 NMEA 或 UBX：波特率或协议不同"),
    ("gpsd closed the connection", "gpsd 关闭了连接"), (r"could not open port (\S+?):", r"无法打开串口 \1："), ("; trying again", "；正在重试"),
    (r" UTC, system$", " UTC，系统时钟"), (r" UTC, ntp$", " UTC，网络对时"), (r" UTC, gnss$", " UTC，卫星"), (r" UTC, file$", " UTC，文件"), (r" UTC, none$", " UTC，无可信来源"),
    (r"^gnss ±", "卫星 ±"), (r"^file ±", "文件 ±"), (r"(\d+) s ago", r"\1 秒前"), (r"^(\d+(?:\.\d+)?) looks/s", r"每秒 \1 次"), (r"^(\d+) starts in (\d+) min", r"\2 分钟内启动 \1 次"), (r", (\d+) s$", r"，\1 秒前"),
    (r"waiting (\d+), aside (\d+), evicted (\d+), unreadable (\d+)", r"待发 \1，搁置 \2，挤出 \3，无法读取 \4"),
    (r"\bservice_area (\d+)", r"服务区 \1"), (r"\bdepot (\d+)", r"车场 \1"), (r"\bno_parking (\d+)", r"禁停区 \1"), (r"\bparking (\d+)", r"停车区 \1"), (r"\bno_vending (\d+)", r"禁止摆摊区 \1"),
    ("permitted without a category", "未注明类别的允许区"), (r"\bpermitted (\d+)", r"允许区 \1"),
    # Broker and system
    (r"^(\S+:\d+), uplink$", r"\1，由上传进程连接"), ("no MQTT broker answers there", "该处没有 MQTT 服务器应答"), ("the broker does not answer", "消息服务器没有应答"), (r"^CONNACK (\d+)$", r"服务器拒绝登录（CONNACK \1）"), ("^no TLS$", "未使用 TLS"),
    (r"the broker at (\S+) cannot be reached \((.*?)\); check the network and (\[uplink\]) in edge\.toml", r"无法连接消息服务器 \1（\2）；请检查网络和 edge.toml 的 \3"),
    (r"the broker refuses user ('.*?'): ask the server for new credentials \((.*?)\)", r"消息服务器拒绝用户 \1：请向服务器申请新的凭据（\2）"), (r"the broker's certificate is not valid at (.*?) UTC \((.*?)\); set this machine's clock, or renew the certificate", r"服务器证书在 \1 UTC 无效（\2）；请校准本机时钟或更换证书"),
    (r"\[Errno -?\d+\] ", ""), ("Connection refused", "连接被拒绝"), ("Connection reset by peer", "连接被对方重置"), ("No route to host", "无法到达主机"), ("Network is unreachable", "网络不可达"), ("(?:connect(?:ion)? )?timed out", "超时"),
    ("Name or service not known|Temporary failure in name resolution|No address associated with hostname", "无法解析主机名"), ("No such file or directory", "没有此文件"), ("Not a directory", "不是文件夹"), ("Is a directory", "是文件夹"), ("Permission denied", "没有权限"), ("No space left on device", "磁盘已满"), ("Read-only file system", "文件系统只读"),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern, re.MULTILINE), said) for pattern, said in PHRASES)


def in_chinese(facts: str) -> str:
    """Facts in Chinese; names, numbers and what no phrase stands for stay as they are."""
    for pattern, said in _COMPILED:
        facts = pattern.sub(said, facts)
    return facts
