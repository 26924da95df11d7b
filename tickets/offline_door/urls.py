from django.urls import path

from . import views

urlpatterns = [
    path("door/<int:event_id>/list", views.take, name="door_list"),
    path("door/<int:event_id>/merge", views.bring_back, name="door_merge"),
    path("door/<int:event_id>/offline", views.shell, name="door_offline"),
]
