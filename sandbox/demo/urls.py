from django.urls import path

from demo import mailbox, stream

urlpatterns = [
    path("stream/live.m3u8", stream.live),
    path("stream/part<int:number>.ts", stream.part),
    path("mails", mailbox.inbox, name="mails"),
    path("mails/<str:name>", mailbox.letter, name="mail"),
]
