"""What every viewset of the API does alike."""

from rest_framework import viewsets
from rest_framework.exceptions import MethodNotAllowed


class ApiViewSet(viewsets.GenericViewSet):
    """A method that is not there is 405 for everybody, before anybody is asked who they are."""

    def initial(self, request, *args, **kwargs):
        if request.method.lower() not in self.action_map:
            raise MethodNotAllowed(request.method)
        super().initial(request, *args, **kwargs)
