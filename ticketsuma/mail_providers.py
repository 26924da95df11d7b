"""Domains of well-known mail providers: corrections of mistyped ones; none has wallets."""

# Where most mailboxes are, and what is typed wrong most often.
COMMON_DOMAINS = (
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com",
    "ymail.com", "icloud.com", "me.com", "mac.com", "aol.com", "mail.com", "email.com", "proton.me",
    "protonmail.com", "pm.me", "tutanota.com", "fastmail.com", "hey.com", "zoho.com", "gmx.com",
    "gmx.net", "gmx.de", "gmx.at", "gmx.ch", "web.de", "t-online.de", "freenet.de", "posteo.de",
    "mailbox.org", "hotmail.co.uk", "yahoo.co.uk", "btinternet.com", "hotmail.fr", "yahoo.fr",
    "orange.fr", "wanadoo.fr", "free.fr", "laposte.net", "hotmail.es", "yahoo.es", "libero.it",
    "yahoo.it", "hotmail.it", "yahoo.com.br", "uol.com.br", "bol.com.br", "yahoo.com.mx",
    "yahoo.co.jp", "qq.com", "163.com", "126.com", "naver.com", "yandex.ru", "mail.ru",
    "comcast.net", "verizon.net",
)  # fmt: skip
