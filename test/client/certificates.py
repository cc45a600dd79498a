"""certificates: pairs of a certificate and its key, made for one test by Debian's openssl."""
import pathlib
import ssl
import subprocess

EC = ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256')


class Pair:
    def __init__(self, folder, name='tls', key=EC, common_name='localhost', more=('-noenc',),
                 names='DNS:localhost,IP:127.0.0.1'):
        self.certificate = pathlib.Path(folder) / f'{name}.pem'
        self.key = pathlib.Path(folder) / f'{name}.key'
        subprocess.run(
            ['openssl', 'req', '-x509', *key, *more, '-keyout', self.key, '-out',
             self.certificate, '-days', '30', '-subj', f'/CN={common_name}', '-addext',
             f'subjectAltName={names}'], check=True, capture_output=True)
        self.key.chmod(0o600)

    def options(self):
        return ['--tls-cert', str(self.certificate), '--tls-key', str(self.key)]

    def client(self):
        """What a client needs who trusts this certificate and no other."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.set_alpn_protocols(['http/1.1'])
        return context
