# SPDX-License-Identifier: Apache-2.0
"""What is made on the machine itself: certificate authority, certificate, token."""
